"""The variables that the kubelet gives every container for Services: `NAME_SERVICE_HOST` and Docker's old links."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from logscan_local.stack.node.objects import Object


def variables(services: Iterable[Object], namespace: str, links: bool, api_server: str) -> dict[str, str]:
    """Return the variables of a pod.

    Args:
        services: All Services of the cluster.
        namespace: The pod's namespace.
        links: The pod's `enableServiceLinks`; without it only the API server's are given.
        api_server: The API server's URL, which stands for the Service `kubernetes`: nothing routes its address here.
    """
    address = urlsplit(api_server)
    port = address.port or 443
    found = _of("KUBERNETES", address.hostname or "127.0.0.1", [{"name": "https", "port": port}])
    for service in services if links else ():
        metadata, spec = service["metadata"], service["spec"]
        master = (metadata["namespace"], metadata["name"]) == ("default", "kubernetes")
        if metadata["namespace"] == namespace and not master and spec.get("clusterIP", "None") not in ("", "None"):
            found |= _of(metadata["name"].upper().replace("-", "_"), spec["clusterIP"], spec.get("ports", []))
    return found


def _of(prefix: str, host: str, ports: list[Object]) -> dict[str, str]:
    found = {f"{prefix}_SERVICE_HOST": host}
    for number, port in enumerate(ports):
        protocol = port.get("protocol", "TCP")
        url = f"{protocol.lower()}://{host}:{port['port']}"
        if number == 0:
            found |= {f"{prefix}_SERVICE_PORT": str(port["port"]), f"{prefix}_PORT": url}
        if port.get("name"):
            found[f"{prefix}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(port["port"])
        link = f"{prefix}_PORT_{port['port']}_{protocol.upper()}"
        found |= {link: url, f"{link}_PROTO": protocol.lower(), f"{link}_PORT": str(port["port"]), f"{link}_ADDR": host}
    return found
