"""The variables by which a container finds the API server."""

from urllib.parse import urlsplit


def api_server_variables(url: str) -> dict[str, str]:
    """Return the variables that in-cluster clients read.

    A kubelet gives those of the Service `kubernetes`, whose address nothing routes here. Pods of logscan set
    `enableServiceLinks: false`, so there are none of other Services.

    Args:
        url: The API server's URL.
    """
    address = urlsplit(url)
    return {
        "KUBERNETES_SERVICE_HOST": address.hostname or "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(address.port or 443),
    }
