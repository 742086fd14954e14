"""Stores LogScans and finds out, when one is refused, whether it is the only one."""

from logscan_operator.circuit import Circuit, Verdict
from logscan_operator.items import Object
from logscan_operator.storing import RefusedError, Store


class PutOffError(Exception):
    """A LogScan was not created.

    Attributes:
        verdict: Whom the refusal is for.
    """

    def __init__(self, refused: RefusedError, verdict: Verdict) -> None:
        super().__init__(str(refused))
        self.verdict = verdict


class Acceptor:
    """Stores LogScans, and tells the circuit of every one that was stored or refused."""

    def __init__(self, store: Store, circuit: Circuit) -> None:
        """Store nothing yet.

        Args:
            store: Where LogScans are created.
            circuit: Whether they are accepted at the moment.
        """
        self._store = store
        self._circuit = circuit

    async def store(self, manifest: Object, message_id: str) -> None:
        """Create a LogScan, or find the one that an earlier delivery has made.

        Args:
            manifest: The LogScan.
            message_id: The message that it is made for, for the log.

        Raises:
            PutOffError: It was not created.
            NotLeadingError: This process does not lead.
        """
        try:
            self._circuit.stored(await self._store.store(manifest, message_id))
        except RefusedError as error:
            raise PutOffError(error, await self._circuit.judge(error.name, error.cause)) from error
