"""What models can do, as data."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ridealong.core.errors import InvalidDocument
from ridealong.llm import VENDORS, Effort, Usage
from ridealong.llm.capabilities import load_capabilities
from ridealong.llm.schema import SchemaMode


def test_the_packaged_table_is_whole() -> None:
    found = load_capabilities()
    assert {name.partition(":")[0] for name in found.models} == set(VENDORS) - {"compatible", "scripted"}
    for name, model in found.models.items():
        assert model.price is not None, name
        assert model.output_tokens <= model.context_tokens, name
        if model.successor is not None:
            assert model.successor in found.models, name


def test_a_retired_model_names_its_successor() -> None:
    model = load_capabilities().of("groq:llama-3.3-70b-versatile")
    assert model.retired(date(2026, 8, 16))
    assert not model.retired(date(2026, 8, 15))
    assert model.successor == "groq:openai/gpt-oss-120b"


def test_a_dated_id_has_the_entry_of_the_undated_one() -> None:
    model = load_capabilities().of("anthropic:claude-haiku-4-5-20251001")
    assert model.id == "anthropic:claude-haiku-4-5-20251001"
    assert model.context_tokens == 200_000


def test_an_unknown_model_gets_what_hardly_any_model_refuses() -> None:
    model = load_capabilities().of("compatible:a-model-of-our-own")
    assert model.schema_mode is SchemaMode.NONE
    assert not model.sampling
    assert not model.effort
    assert model.price is None


def test_an_operators_file_replaces_and_adds(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(
        "models:\n"
        "  - id: groq:openai/gpt-oss-20b\n    schema_mode: object\n"
        "  - id: compatible:mine\n    streams: false\n"
    )
    found = load_capabilities(path)
    assert found.of("groq:openai/gpt-oss-20b").schema_mode is SchemaMode.OBJECT
    assert not found.of("compatible:mine").streams
    assert found.of("groq:openai/gpt-oss-120b").schema_mode is SchemaMode.STRICT


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("models:\n  - id: groq:a\n    schema_mode: perfect\n", 3),
        ("models:\n  - id: groq:a\n    effort:\n      lots: {}\n", 4),
        ("models:\n  - id: groq:a\n    price: {input: -1, output: 1, seen: 2026-01-01, source: x}\n", 3),
        ("models:\n  - id: nowhere:a\n", 1),
        ("models:\n  - name: groq:a\n", 2),
        ("models: [\n", 2),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(text)
    with pytest.raises(InvalidDocument) as told:
        load_capabilities(path)
    assert told.value.source == str(path)
    assert told.value.line == line


def test_a_file_that_is_not_there_is_told_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(InvalidDocument, match="RIDEALONG_MODELS_FILE"):
        load_capabilities(tmp_path / "nothing.yaml")


def test_cost_counts_cached_and_written_tokens_at_their_own_rates() -> None:
    price = load_capabilities().of("anthropic:claude-opus-5-5").price
    assert price is not None
    usage = Usage(input=3_000_000, cache_read=1_000_000, cache_written=1_000_000, output=1_000_000)
    assert price.cost(usage) == pytest.approx(4.00 + 0.20 + 5.00 + 20.00)


def test_a_long_prompt_has_rates_of_its_own() -> None:
    price = load_capabilities().of("anthropic:claude-haiku-5-5").price
    assert price is not None
    assert price.cost(Usage(input=100_000, output=0)) == pytest.approx(0.01)
    assert price.cost(Usage(input=100_001, output=0)) == pytest.approx(0.0500005)


def test_thinking_is_allowed_for_beside_the_answer_and_within_the_models_limit() -> None:
    model = load_capabilities().of("groq:openai/gpt-oss-20b")
    assert model.output_limit(200, Effort.LOW) == 200 + 1024
    assert model.output_limit(64_000, Effort.HIGH) == 65_536
