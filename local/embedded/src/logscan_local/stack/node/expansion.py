"""`$(NAME)` in values of the environment, commands and arguments, expanded as the kubelet does.

The rules are those of k8s.io/kubernetes/third_party/forked/golang/expansion; the tests hold cases recorded from it.
"""

import re
from collections.abc import Mapping

_OPERATOR = re.compile(r"\$(?:(?P<dollar>\$)|\((?P<name>[^)]*)\))")


def expand(text: str, *values: Mapping[str, str]) -> str:
    """Return a text with `$(NAME)` replaced and `$$` made `$`; an unknown name stays as it is.

    Args:
        text: What to expand.
        values: Where names are looked up, the first that has one first.
    """

    def one(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        return next((known[match["name"]] for known in values if match["name"] in known), match[0])

    return _OPERATOR.sub(one, text)
