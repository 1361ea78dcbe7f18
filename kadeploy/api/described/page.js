"use strict";
const make = (name, text = "", kind = "") => {
  const element = document.createElement(name);
  element.textContent = text;
  if (kind) element.className = kind;
  return element;
};
const rows = (title, entries) => {
  if (!entries.length) return [];
  const table = make("table");
  for (const [name, says] of entries) {
    const row = table.insertRow();
    row.insertCell().append(make("code", name));
    row.insertCell().textContent = says;
  }
  return [make("strong", title), table];
};
const kindOf = (schema) =>
  !schema ? "" : schema.$ref ? schema.$ref.split("/").pop() : schema.enum ? schema.enum.join(" | ")
    : (schema.anyOf || []).map(kindOf).join(" | ") || (schema.items ? `[${kindOf(schema.items)}]` : schema.type || "");
const said = (schema, text) => [kindOf(schema), text].filter(Boolean).join(" — ");
const fields = (schema, models) => {
  const model = schema && schema.$ref ? models[schema.$ref.split("/").pop()] : schema;
  return Object.entries((model && model.properties) || {}).map(([name, inner]) => [name, said(inner, inner.description)]);
};
const shown = (path, verb, operation, told) => {
  const box = make("details");
  box.dataset.text = `${verb} ${path} ${operation.summary}`.toLowerCase();
  const head = make("summary");
  head.append(make("span", verb.toUpperCase(), "verb"), make("code", path), make("span", operation.summary, "does"));
  const body = operation.requestBody && Object.values(operation.requestBody.content)[0].schema;
  const answer = Object.values(operation.responses["200"].content)[0].schema;
  const statuses = Object.entries(operation.responses).map(([status, response]) =>
    [status, response.$ref ? told.components.responses[status].description : response.description]);
  box.append(
    head, make("p", operation.description),
    ...rows("In the path, the query and headers", operation.parameters.map((one) => [one.name, said(one.schema, one.description)])),
    ...rows("In the body", fields(body, told.components.schemas)),
    ...rows("Answers", statuses),
    ...rows(`Fields of the answer: ${kindOf(answer)}`, fields(answer, told.components.schemas)));
  return box;
};
fetch("openapi.json").then((answer) => answer.json()).then((told) => {
  const main = document.getElementById("paths");
  main.replaceChildren(make("p", told.info.description));
  const groups = new Map();
  for (const [path, verbs] of Object.entries(told.paths))
    for (const [verb, operation] of Object.entries(verbs)) {
      const tag = operation.tags[0];
      if (!groups.has(tag)) groups.set(tag, [make("h2", tag)]);
      groups.get(tag).push(shown(path, verb, operation, told));
    }
  for (const group of groups.values()) main.append(...group);
  const errors = told.components.responses["400"].headers["X-Application-Error-Code"].description;
  main.append(make("h2", "application errors"), make("pre", errors.replaceAll("; ", "\n")));
  document.getElementById("find").addEventListener("input", (event) => {
    for (const box of main.querySelectorAll("details"))
      box.hidden = !box.dataset.text.includes(event.target.value.toLowerCase());
  });
});
