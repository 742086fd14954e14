"""What a node is told when it starts: a JSON file written by `logscan-local up`."""

import json
from dataclasses import dataclass
from pathlib import Path

from logscan_local.stack.node.images import Image


@dataclass(frozen=True)
class NodeConfig:
    """The settings of a node.

    Attributes:
        name: Its name.
        address: The address that it and all its pods have.
        port: Port of its kubelet API.
        kubeconfig: How it reaches the API server.
        pki: Folder with `ca.crt`, `node.crt` and `node.key`.
        pods: Folder for volumes and logs; emptied at the start.
        labels: The node's labels.
        runtime: What runs its pods: `process` or `docker`.
        images: What the names of images stand for; for the runtime `process`.
    """

    name: str
    address: str
    port: int
    kubeconfig: Path
    pki: Path
    pods: Path
    labels: dict[str, str]
    runtime: str
    images: dict[str, Image]

    def write(self, path: Path) -> None:
        """Write the file that `read` reads."""
        images = {name: image.to_json() for name, image in self.images.items()}
        paths = {"kubeconfig": str(self.kubeconfig), "pki": str(self.pki), "pods": str(self.pods)}
        path.write_text(json.dumps({**vars(self), **paths, "images": images}, indent=2))


def read(path: Path) -> NodeConfig:
    """Return the settings in a file."""
    document = json.loads(path.read_text())
    images = {name: Image.from_json(image) for name, image in document.pop("images").items()}
    for name in ("kubeconfig", "pki", "pods"):
        document[name] = Path(document[name])
    return NodeConfig(**document, images=images)
