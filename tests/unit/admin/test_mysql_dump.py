"""Rows of a MySQL dump, as its many writers put them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadeploy.admin.mysql_dump import Dump, Value

CREATE = (
    "CREATE TABLE `t` (\n  `a` int(10) DEFAULT '0,(',\n  `b` varchar(5),\n  PRIMARY KEY (`a`),\n  KEY k (`b`)\n);\n"
)


def rows(text: str) -> list[list[Value]]:
    dump = Dump(text, ("t",))
    found = [list(row.values.values()) for row in dump.rows()]
    assert dump.faults == []
    return found


@pytest.mark.parametrize(
    ("values", "read"),
    [
        ("(1,'x')", [[1, "x"]]),
        ("(-1,NULL),(2.5,''),(0x6162,X'6163')", [[-1, None], [2.5, ""], ["ab", "ac"]]),
        (r"(1,'it\'s \"big\"\n\\n\0\Z\%')", [[1, 'it\'s "big"\n\\n\0\x1a%']]),
        ("""(1,'it''s'),(2,"a""b'c")""", [[1, "it's"], [2, "a\"b'c"]]),
        ("(1,_binary 'x'), (b'101',TRUE)", [[1, "x"], [5, 1]]),
        ("(1,'a;b)(,\n-- no comment')", [[1, "a;b)(,\n-- no comment"]]),
        ("(1, /* here */ 'x') -- and there\n", [[1, "x"]]),
        ("(1,'x') ON DUPLICATE KEY UPDATE `a`=VALUES(`a`)", [[1, "x"]]),
        ("(1,'café ☕')", [[1, "café ☕"]]),
    ],
)
def test_values(values: str, read: list[list[Value]]) -> None:
    assert rows(f"{CREATE}INSERT INTO `t` VALUES {values};") == read


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t (a, b) VALUES (1, 'x');",
        "INSERT IGNORE INTO `deploy3`.`t` (`a`,`b`) VALUES (1,'x');",
        "REPLACE INTO `t` (`a`,`b`) VALUES (1,'x');",
        f"/*!40101 SET NAMES utf8 */;\n{CREATE}LOCK TABLES `t` WRITE;\nINSERT INTO `t` VALUES (1,'x');\nUNLOCK TABLES;",
        "INSERT INTO `other` VALUES (1);\nINSERT INTO `t` (`a`,`b`) VALUES (1,'x');\n# end",
    ],
)
def test_statements(text: str) -> None:
    assert rows(text) == [[1, "x"]]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("\n\nINSERT INTO `t` VALUES (1);", "line 3: the columns of t are not known"),
        (f"{CREATE}INSERT INTO `t` VALUES (1);", "line 7: a row of t has 1 values, and the table 2 columns"),
        (f"{CREATE}INSERT INTO `t` VALUES (1,'x'", "line 7: a statement has no end"),
        (f"{CREATE}INSERT INTO `t` VALUES (1,'x;\n", "line 7: a quote has no end"),
        (f"{CREATE}INSERT INTO `t` VALUES (1,NOW());", "line 7: 'NOW' is no value"),
        (f"{CREATE}INSERT INTO `t` SELECT * FROM x;", "line 7: an INSERT into t without VALUES"),
        (f"{CREATE}INSERT INTO `t` VALUES (1,'x';", "line 7: a row has no end"),
    ],
)
def test_faults_have_their_line(text: str, fault: str) -> None:
    dump = Dump(text, ("t",))
    list(dump.rows())
    assert [told[: len(fault)] for told in dump.faults] == [fault]


@settings(max_examples=300)
@given(st.text("INSERTOVALUEt`'\"\\(),;0x1-#/* \n", max_size=60) | st.text(max_size=40))
def test_any_text_is_rows_or_faults(text: str) -> None:
    dump = Dump(f"{CREATE}INSERT INTO `t` VALUES {text}", ("t",))
    for row in dump.rows():
        assert len(row.values) == 2
    assert all(fault.startswith("line ") for fault in dump.faults)


@settings(max_examples=200)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_texts_come_back(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\0", "\\0")
    assert rows(f"{CREATE}INSERT INTO `t` VALUES (1,'{quoted}'),(2,'{quoted}');") == [[1, text], [2, text]]
