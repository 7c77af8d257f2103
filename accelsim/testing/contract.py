"""How a contract suite reports a breach."""


class ContractError(AssertionError):
    """A plug-in breaks the contract of its kind; the message says which sentence of it, and how."""


def require(holds: object, breach: str) -> None:
    """Raise :class:`ContractError` with ``breach`` unless ``holds``."""
    if not holds:
        raise ContractError(breach)
