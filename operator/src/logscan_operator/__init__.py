"""The operator: makes LogScans of queue messages, Jobs of LogScans, and outcomes of finished Jobs.

Three loops work on one in-memory view of the cluster (`view`): `intake` reads the queue, `scheduler` carries out what
the pure `planning` decides, and reads results through `outcomes`. kopf feeds the view (`handlers`). Nothing is true in
memory only: a new process lists the cluster and carries on.
"""

__version__ = "0.1.0"
