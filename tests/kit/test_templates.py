"""templates: they say what they are given, reach nothing else, and a bad one is told by name."""

import pytest

from monitor.kit.templates import BadTemplateError, Templates


def written(tmp_path, text, **facts):
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    return Templates([tmp_path]).write("a.txt", facts)


def test_a_text_is_written_from_facts(tmp_path):
    assert (
        written(tmp_path, "{{ name }}中断{% if more %}，{{ more }}{% endif %}", name="电路", more="")
        == "电路中断"
    )


def test_an_earlier_folder_wins(tmp_path):
    for name in ("mine", "ours"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(name, encoding="utf-8")
    (tmp_path / "ours" / "b.txt").write_text("b", encoding="utf-8")
    templates = Templates([tmp_path / "mine", tmp_path / "ours"])

    assert [templates.write(name, {}) for name in ("a.txt", "b.txt")] == ["mine", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "{{ name }",
        "{{ nobody }}",
        "{{ name.__class__.__mro__ }}",
        "{{ names.append(1) }}",
        "{% include '../secret.txt' %}",
        "{% include 'missing.txt' %}",
        "{{ 1 // 0 }}",
    ],
)
def test_a_bad_template_is_told_by_its_name(tmp_path, text):
    (tmp_path.parent / "secret.txt").write_text("secret", encoding="utf-8")
    with pytest.raises(BadTemplateError, match=r"a\.txt"):
        written(tmp_path, text, name="电路", names=[])
