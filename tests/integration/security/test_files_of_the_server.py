"""`server://` read any file that the server could; here only what is under the permitted directories, wherever a file
can be named, and however its path is written."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.integration.security.attacked import SECRET, Answer, Attacked

PATHS = {
    "outside": "{folder}/secret/keys.pub",
    "up and down again": "{folder}/images/../secret/keys.pub",
    "a link": "{folder}/images/link",
    "a link to a directory": "{folder}/images/elsewhere/keys.pub",
    "a directory's likeness": "{folder}/images-of-others/keys.pub",
    "more slashes": "//{folder}//secret//keys.pub",
    "encoded": "{folder}/images/%2e%2e/secret/keys.pub",
    "the database": "{state}/kadeploy.db",
    "the authority's key": "{state}/tls/ca.key",
    "passwords": "{folder}/htpasswd",
    "what the server was started with": "/proc/self/environ",
    "an open file": "/proc/self/fd/0",
    "a device": "/dev/zero",
    "nothing": "{folder}/secret/nothing",
}


@pytest.fixture(scope="module", autouse=True)
def traps(server: Attacked) -> None:
    images = server.folder / "images"
    (images / "link").symlink_to(server.folder / "secret" / "keys.pub")
    (images / "elsewhere").symlink_to(server.folder / "secret")
    (server.folder / "images-of-others").mkdir()
    (server.folder / "images-of-others" / "keys.pub").write_text(SECRET)


def url(server: Attacked, path: str) -> str:
    return "server://" + PATHS[path].format(folder=server.folder, state=server.state)


def outside(answer: Answer) -> bool:
    """The same whether there is such a file or not."""
    return answer.is_refusal and ("is not under a directory" in answer.text or "does not exist" in answer.text)


@pytest.mark.parametrize("path", PATHS)
def test_as_keys(server: Attacked, path: str) -> None:
    """The shortest way to another's file: it was appended to the node's authorized_keys."""
    answer = server.user().deploy(ssh_authorized_keys=url(server, path))
    assert outside(answer), answer.text


@pytest.mark.parametrize("path", PATHS)
def test_as_an_image_or_an_archive(server: Attacked, path: str) -> None:
    alice = server.user()
    archive = {"archive": url(server, path), "compression": "gzip", "script": "none"}
    image = {"file": url(server, path), "kind": "tar", "compression": "gzip"}
    for changes in ({"image": image}, {"postinstalls": [archive]}, {"preinstall": archive}):
        answer = alice.deploy(environment={"kind": "anonymous", **alice.description(**changes)})
        assert outside(answer), answer.text
        recorded = alice.post("/environments", environment=alice.description(f"trap-{path}", **changes))
        assert outside(recorded), recorded.text


@pytest.mark.parametrize("path", PATHS)
def test_as_a_description(server: Attacked, path: str) -> None:
    answer = server.user().get(f"/environments/description?file={quote(url(server, path))}")
    assert outside(answer), answer.text


def test_what_lies_among_the_images_and_is_no_description_is_not_shown(server: Attacked) -> None:
    """Permitted is what is under images; that is no way to read there what was not meant for it."""
    for name, content in {
        "password": f"password: {SECRET}\n",
        "list": f"- {SECRET}\n",
        "bad": f"{SECRET}: [\n",
    }.items():
        (server.folder / "images" / name).write_text(content)
        answer = server.user().get(f"/environments/description?file=server://{server.folder}/images/{name}")
        assert answer.is_refusal, answer.text
        assert answer.code == "5"
    assert server.stranger().get("/environments/description?file=server:///etc/passwd").status == 401


@pytest.mark.parametrize("action", ["send", "run"])
@pytest.mark.parametrize("path", PATHS)
def test_as_a_file_of_a_custom_operation(server: Attacked, path: str, action: str) -> None:
    operation = {"name": "trap", "action": action, "file": url(server, path)}
    operation |= {"destination": "/tmp"} if action == "send" else {}
    custom = {"SetDeploymentEnv": {"mount_deploy_part": {"pre-ops": [operation]}}}
    assert outside(server.user().deploy(custom_operations=custom))


@pytest.mark.parametrize(
    "file", ["file:///etc/passwd", "/etc/passwd", "../etc/passwd", "server://etc/passwd", "ftp://x/y", "gopher://x/"]
)
def test_other_ways_to_name_a_file_are_no_ways(server: Attacked, file: str) -> None:
    alice = server.user()
    image = {"file": file, "kind": "tar", "compression": "gzip"}
    answer = alice.deploy(environment={"kind": "anonymous", **alice.description(image=image)})
    assert answer.is_refusal, answer.text
    assert "root:" not in answer.text


def test_a_link_that_is_changed_after_the_environment_was_recorded(server: Attacked) -> None:
    alice, path = server.user(), server.folder / "images" / "swapped"
    path.write_bytes((server.folder / "images" / "a.tgz").read_bytes())
    image = {"file": f"server://{path}", "kind": "tar", "compression": "gzip"}
    assert alice.post("/environments", environment=alice.description("swapped", image=image)).status == 200
    path.unlink()
    path.symlink_to(server.folder / "secret" / "keys.pub")
    assert outside(alice.deploy(environment={"kind": "database", "name": "swapped"}))
