"""Fields that edit in the order of the keys, however fast these come."""

from textual import events
from textual.widget import Widget


class KeysInOrder(Widget):
    """Carries out the keys of a field at once; named after the field among the bases.

    Textual does so only after a key has gone up to the app and come back. What is typed behind it
    is quicker where keys come together, as on a slow line: ^u would delete that as well.
    """

    async def on_key(self, event: events.Key) -> None:
        """Edit, if the field has something to do at the key; else it goes up, as to scroll."""
        bindings = self._bindings.key_to_bindings.get(event.key, [])
        for action in [binding.action for binding in bindings if not binding.priority]:
            if await self.app.run_action(action, self):
                event.stop()
                event.prevent_default()
                return
