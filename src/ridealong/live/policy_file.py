"""A policy alone, to be tried in place of a taxonomy's: the parts of it that change, as YAML.

```yaml
policy:
  max_nudges: 2
  quiet: {first_s: 120}
types:
  - {id: stall, tier: noted}
  - {id: price_asked, floor: 0.7, cool_down_s: 120}
```

What is left out stays as the taxonomy has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from ridealong.document import read_document
from ridealong.live.taxonomy import Identifier, MomentType, PolicySettings, Taxonomy


class TypePolicy(BaseModel):
    """What changes for one type."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Identifier
    tier: Literal["nudge", "noted"] | None = None
    floor: float | None = Field(default=None, ge=0, le=1)
    cool_down_s: float | None = Field(default=None, ge=0, le=86_400)


class PolicyFile(BaseModel):
    """See the module."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: PolicySettings = PolicySettings()
    types: tuple[TypePolicy, ...] = ()


def with_policy(taxonomy: Taxonomy, text: str, source: str) -> Taxonomy:
    """`taxonomy` with the changes that `text` states. Raises InvalidDocument with the line of the first mistake."""

    class Checked(PolicyFile):
        @model_validator(mode="after")
        def _fits_the_taxonomy(self) -> Self:
            mistake = next(_mistakes(self, taxonomy), None)
            if mistake is not None:
                place, message = mistake
                detail = InitErrorDetails(
                    type=PydanticCustomError("policy", "{message}", {"message": message}), loc=place, input=None
                )
                raise ValidationError.from_exception_data("PolicyFile", [detail])
            return self

    read = read_document(text, Checked, source=source)
    # Only what the document states: a default of ours must not replace what the tenant chose.
    stated = read.policy.model_dump(exclude_unset=True)
    quiet = taxonomy.policy.quiet.model_copy(update=stated.pop("quiet", {}))
    policy = taxonomy.policy.model_copy(update={**stated, "quiet": quiet})
    changes = {of.id: of.model_dump(exclude_none=True, exclude={"id"}) for of in read.types}
    types = tuple(t.model_copy(update=changes.get(t.id, {})) for t in taxonomy.types)
    return taxonomy.model_copy(update={"policy": policy, "types": types})


def _mistakes(read: PolicyFile, taxonomy: Taxonomy) -> Iterator[tuple[tuple[int | str, ...], str]]:
    seen: set[str] = set()
    for number, of in enumerate(read.types):
        known: MomentType | None = taxonomy.find(of.id)
        if known is None:
            names = ", ".join(t.id for t in taxonomy.types)
            yield ("types", number, "id"), f"the taxonomy has no type '{of.id}'; it has {names}"
        elif of.id in seen:
            yield ("types", number, "id"), f"the type '{of.id}' stands here a second time"
        elif of.floor is not None and of.floor < known.detect and known.kind == "content":
            yield (
                ("types", number, "floor"),
                f"floor ({of.floor}) must not be below detect ({known.detect}): what is less sure is not recorded",
            )
        seen.add(of.id)
