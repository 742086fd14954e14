"""Every exception that the contracts raise."""


class ContractError(Exception):
    """Base of all errors of this package."""


class UnknownPackError(ContractError):
    """A rule pack that this version does not have."""


class UnknownRuleSetError(ContractError):
    """A LogScanRuleSet that is not known."""


class MalformedRequestError(ContractError):
    """A Job's input that cannot be read; the message names the field."""


class MalformedMessageError(ContractError):
    """A queue message that has none of the shapes that the intake reads."""


class MalformedResultError(ContractError):
    """A row of the result table that cannot be read; the message names the field."""


class UntrustedResultError(ContractError):
    """A row that no scanner wrote for its request, or that was changed since."""


class RequestTooLargeError(ContractError):
    """A Job's input that does not fit into its environment variables."""
