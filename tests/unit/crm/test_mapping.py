from __future__ import annotations

import pytest

from ridealong.core.deals import DealField
from ridealong.core.errors import InvalidDocument
from ridealong.crm.mapping import CrmMapping, read_mapping


def test_a_mapping_names_where_each_value_goes() -> None:
    read = read_mapping(
        "fields:\n  pain: meddic_pain\n  champion: {property: champ, link: champ_link}\nsummary: last_call\n"
        "stages:\n  contractsent: negotiation\n"
    )
    assert read.fields[DealField.PAIN].property == "meddic_pain"
    assert read.properties() == ("meddic_pain", "champ", "champ_link", "last_call")
    assert read_mapping("  \n") == CrmMapping()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fields:\n  pain: a\n  pian: b\n", "crm.yaml:3: fields.pian.[key]: there is no such field; known are metrics"),
        ("fields:\n  pain: ab\n# ab\nsummary: ab\n", "crm.yaml:4: `ab` is named twice"),
        ("note: true\nfields:\n  pain: x' OR 1\n", "crm.yaml:3: fields.pain.property"),
        ("fields:\n  pain: {property: a, lnk: b}\n", "crm.yaml:2: fields.pain.lnk"),
        ("fields: [", "crm.yaml:1: not valid YAML"),
        ("stages:\n  a: " + "b" * 65, "crm.yaml:2: stages.a"),
        ("\nmin_confidence: 2\n", "crm.yaml:2: min_confidence"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        read_mapping(text)
    assert str(refused.value).startswith(told)


def test_a_stage_has_the_word_that_rubrics_use() -> None:
    mapping = read_mapping("stages: {'17': negotiation, Proposal Sent: proposal}\n")
    assert mapping.stage_of("17", "Contract Sent") == "negotiation"
    assert mapping.stage_of("18", "Proposal Sent") == "proposal"
    assert mapping.stage_of("19", "Decision Maker Bought-In") == "decision_maker_bought-in"
    assert mapping.stage_of("19", "x" * 65) == ""
