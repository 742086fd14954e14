"""As whom and with which rights a container runs: its security context, its pod's, and its image's user."""

from dataclasses import dataclass

from logscan_local.stack.node.environment import ContainerConfigError
from logscan_local.stack.node.objects import Object


@dataclass(frozen=True)
class Security:
    """The decisions of a container's security contexts.

    Attributes:
        uid: The user; None for the image's.
        gid: The group; None for the user's own.
        groups: Further groups, the volumes' among them.
        read_only_root: Whether only volumes may be written to.
        escalation: Whether a program may gain rights that its parent does not have (setuid).
        drop: Capabilities that a runtime gives by default and this container does not get.
        add: Capabilities beside the default.
        privileged: Whether nothing is withheld.
    """

    uid: int | None = None
    gid: int | None = None
    groups: tuple[int, ...] = ()
    read_only_root: bool = False
    escalation: bool = True
    drop: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    privileged: bool = False


def of(container: Object, pod: Object, image_user: str) -> Security:
    """Return what applies to a container.

    Args:
        container: Its spec.
        pod: Its pod.
        image_user: The user that the image names, such as `65532:65532`; empty for root.

    Raises:
        ContainerConfigError: The container must not run as root, and its user is root or cannot be told.
    """
    outer = pod["spec"].get("securityContext") or {}
    inner = container.get("securityContext") or {}
    merged = {**outer, **inner}
    uid = merged.get("runAsUser")
    if merged.get("runAsNonRoot"):
        _refuse_root(uid, image_user)
    capabilities = inner.get("capabilities") or {}
    groups = [*outer.get("supplementalGroups", []), *([outer["fsGroup"]] if "fsGroup" in outer else [])]
    return Security(
        uid=uid,
        gid=merged.get("runAsGroup"),
        groups=tuple(groups),
        read_only_root=bool(inner.get("readOnlyRootFilesystem", False)),
        escalation=bool(inner.get("allowPrivilegeEscalation", True)),
        drop=tuple(capabilities.get("drop", [])),
        add=tuple(capabilities.get("add", [])),
        privileged=bool(inner.get("privileged", False)),
    )


def _refuse_root(uid: int | None, image_user: str) -> None:
    """Apply `runAsNonRoot`, in the kubelet's words."""
    if uid == 0:
        raise ContainerConfigError("container's runAsUser breaks non-root policy")
    if uid is not None:
        return
    user = image_user.split(":")[0]
    if user in ("", "0"):
        raise ContainerConfigError("container has runAsNonRoot and image will run as root")
    if not user.isdigit():
        raise ContainerConfigError(
            f"container has runAsNonRoot and image has non-numeric user ({user}), cannot verify user is non-root"
        )
