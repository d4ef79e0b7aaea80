"""Models by name: one pool of connections, one table of what they can do, for everything that a process asks."""

from __future__ import annotations

from ridealong.config import Settings
from ridealong.core.errors import InvalidSettings
from ridealong.llm import Model, adapter_class, split_name
from ridealong.llm.capabilities import Capabilities, Capability, load_capabilities
from ridealong.llm.endpoint import Endpoint, checked_url, usual_url
from ridealong.llm.wire import Wire

_NEEDS_NO_KEY = ("compatible", "scripted")


class ModelHouse:
    """Gives out models. What it gives out needs no closing of its own; close the house when everything has ended."""

    def __init__(self, settings: Settings, *, wire: Wire | None = None) -> None:
        """Raises InvalidDocument where the operator's file of models has a mistake."""
        self._settings = settings
        self._wire = wire or Wire()
        self._capabilities: Capabilities = load_capabilities(settings.models_file)

    def capability(self, name: str) -> Capability:
        """What the model `vendor:id` can do."""
        return self._capabilities.of(name)

    def can_ask(self, vendor: str) -> bool:
        """Whether the settings have what that vendor needs: a key, or for `compatible` an address."""
        if vendor == "compatible":
            return self._settings.model_url(vendor) is not None
        return vendor in _NEEDS_NO_KEY or self._settings.model_key(vendor) is not None

    def model(self, name: str, *, key: str | None = None, url: str | None = None) -> Model:
        """The model `vendor:id`, bare: without deadline, retry or budget.

        `key` and `url` are a tenant's own; without them those of the settings. With a `url` of its own the key of the
        settings is not used, since it would go to wherever the tenant says. Raises InvalidSettings for a name, key or
        address that cannot work.
        """
        vendor, model_id = split_name(name)
        found_key = key or (None if url else self._settings.model_key(vendor)) or ""
        if not found_key and vendor not in _NEEDS_NO_KEY:
            raise InvalidSettings(f"'{name}' needs a key: set RIDEALONG_{vendor.upper()}_API_KEY")
        return adapter_class(vendor)(
            Endpoint(
                vendor=vendor,
                model_id=model_id,
                capability=self.capability(name),
                wire=self._wire,
                base_url="" if vendor == "scripted" else self._url(vendor, url),
                key=found_key,
            )
        )

    async def close(self) -> None:
        """Close the connections. What is still being asked fails with ModelAway."""
        await self._wire.close()

    def _url(self, vendor: str, url: str | None) -> str:
        found = url or self._settings.model_url(vendor) or usual_url(vendor)
        if not found:
            raise InvalidSettings(f"'{vendor}' has no address of its own: set RIDEALONG_{vendor.upper()}_URL")
        return checked_url(vendor, found, allow_http=self._settings.models_allow_http)
