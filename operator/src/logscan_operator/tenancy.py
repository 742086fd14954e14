"""What a LogScan of a watched namespace may ask for. Pure.

The people of the operator's own namespace run the operator. Those of the other watched namespaces are tenants: they may
create LogScans and policies, which act with the rights of the operator and of the scanner's role. What such a scan may
do is up to the operator's settings. The chart's ValidatingAdmissionPolicy (manifests/chart/templates/tenants.yaml)
refuses the same when a LogScan or policy is stored; a test holds both to one table of cases. Here it holds for objects
that were stored before, and where nobody may install an admission policy.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from logscan_api.jobtemplates import JobTemplate, Resources
from logscan_api.notify import Channel, Notify
from logscan_operator.items import Scan
from logscan_operator.resolving import ResolvedScan
from logscan_operator.settings import Settings


def refusal(scan: Scan, resolved: ResolvedScan, settings: Settings) -> str | None:
    """Return why a scan may not run, naming the field and the setting, or None if it may.

    Args:
        scan: The LogScan.
        resolved: What applies to it, whether it says so itself or its policy does.
        settings: The operator's settings.
    """
    denied = bucket_refusal(scan, settings) or role_refusal(scan, resolved.role_arn, settings)
    if denied is not None or scan.key[0] == settings.namespace:
        return denied
    return next(_refusals(resolved, settings), None)


def bucket_refusal(scan: Scan, settings: Settings) -> str | None:
    """Return why a bucket that a scan names may not be read from its namespace, or None if each may."""
    namespace, source = scan.key[0], scan.readable_spec.source.s3
    named = {"bucket": source.bucket, "inventory.bucket": source.inventory.bucket if source.inventory else None}
    for field, bucket in named.items():
        if bucket is not None and not _may_scan(namespace, bucket, settings):
            return f"source.s3.{field}: namespace {namespace} may not scan {bucket}; ask for it in allowedBuckets"
    return None


def role_refusal(scan: Scan, role_arn: str | None, settings: Settings) -> str | None:
    """Return why the role that reads the logs of a scan may not be assumed for its namespace, or None if it may.

    Unlike a bucket, a role must be listed for the operator's own namespace as well.

    Args:
        scan: The LogScan.
        role_arn: The role, whether the LogScan or a policy names it; None for the operator's and the scanner's own.
        settings: The operator's settings.
    """
    namespace = scan.key[0]
    allowed = settings.allowed_roles.get(namespace, [])
    if role_arn is None or any(_starts(glob, role_arn) for glob in allowed):
        return None
    field = "roleArn" if scan.readable_spec.role_arn is not None else "roleArn of the LogScanPolicy"
    return f"{field}: namespace {namespace} may not assume {role_arn}; ask for it in allowedRoles"


def _may_scan(namespace: str, bucket: str, settings: Settings) -> bool:
    globs = settings.allowed_buckets.get(namespace)
    if globs is None:
        return namespace == settings.namespace or settings.unlisted_namespaces == "Allow"
    return any(_starts(glob, bucket) for glob in globs)


def _refusals(resolved: ResolvedScan, settings: Settings) -> Iterator[str]:
    yield from _of_notify(resolved.notify or Notify(), settings)
    yield from _of_job(resolved.job, settings)
    if resolved.attempts > max(settings.tenant_attempts_most, settings.default_attempts):
        yield f"attempts: at most {settings.tenant_attempts_most} (tenantAttemptsMost)"
    if resolved.timeout_seconds > max(settings.tenant_timeout_seconds_most, settings.default_timeout_seconds):
        yield f"timeoutSeconds: at most {settings.tenant_timeout_seconds_most} (tenantTimeoutSecondsMost)"
    inline = [rule for selection in resolved.selections for rule in selection.inline or []]
    of_sets = [rule for found in resolved.rule_sets.values() for rule in found.rules]
    bare = next((rule.name for rule in [*inline, *of_sets] if not rule.redact), None)
    if bare is not None and not settings.tenant_unredacted:
        yield f"rules: rule {bare} must not set redact to false (tenantUnredacted)"


def _of_notify(notify: Notify, settings: Settings) -> Iterator[str]:
    for address in notify.email.to if notify.email else []:
        if not any(_ends(glob, address) for glob in split(settings.tenant_recipients)):
            yield f"notify.email.to: {address} is not among tenantRecipients"
    topic = notify.sns.topic_arn if notify.sns else None
    if topic is not None and not any(_starts(glob, topic) for glob in split(settings.tenant_topics)):
        yield f"notify.sns.topicArn: {topic} is not among tenantTopics"
    host = _host(notify.webhook.url) if notify.webhook else None
    if host is not None and not any(_ends(glob, host) for glob in split(settings.tenant_webhooks)):
        yield "notify.webhook.url: its host is not among tenantWebhooks"
    for number, channel in enumerate(notify.channels or []):
        yield from _of_channel(f"notify.channels[{number}]", channel, settings)


def _of_channel(field: str, channel: Channel, settings: Settings) -> Iterator[str]:
    """Yield what a channel may not name. The host of a URL in a Secret is checked by the scanner, which reads it."""
    for address in channel.to or []:
        if not any(_ends(glob, address) for glob in split(settings.tenant_recipients)):
            yield f"{field}.to: {address} is not among tenantRecipients"
    starts = (
        ("topicArn", channel.topic_arn, settings.tenant_topics, "tenantTopics"),
        ("eventBusArn", channel.event_bus_arn, settings.tenant_event_buses, "tenantEventBuses"),
    )
    for name, value, allowed, setting in starts:
        if value is not None and not any(_starts(glob, value) for glob in split(allowed)):
            yield f"{field}.{name}: {value} is not among {setting}"
    for name, secret in (("secretRef", channel.secret_ref), ("signingRef", channel.signing_ref)):
        if secret is not None and not any(_starts(glob, secret.name) for glob in split(settings.tenant_secrets)):
            yield f"{field}.{name}.name: {secret.name} is not among tenantSecrets"


def _of_job(job: JobTemplate, settings: Settings) -> Iterator[str]:
    for field in job.wire():
        if field not in split(settings.tenant_job_fields):
            yield f"job.{field}: may not be set (tenantJobFields)"
    resources = job.resources or Resources()
    # A quantity is compared by its value rounded up, which is exact against a whole number.
    most = {"cpu": settings.tenant_cpu_most, "memory": settings.tenant_memory_most.bytes}
    shown = {"cpu": settings.tenant_cpu_most, "memory": settings.tenant_memory_most}
    for name, amounts in (("requests", resources.requests), ("limits", resources.limits)):
        for resource, amount in (amounts or {}).items():
            if resource not in most:
                yield f"job.resources.{name}.{resource}: may not be set; only cpu and memory may"
            elif amount.bytes > most[resource]:
                yield f"job.resources.{name}.{resource}: at most {shown[resource]} (tenant{resource.title()}Most)"


def split(setting: str) -> list[str]:
    """Return the parts of a setting that commas separate."""
    return [part.strip() for part in setting.split(",") if part.strip()]


def _starts(glob: str, text: str) -> bool:
    """Return whether a text is a glob, or starts with what is before the `*` at the end of one."""
    return text.startswith(glob[:-1]) if glob.endswith("*") else text == glob


def _ends(glob: str, text: str) -> bool:
    """Return whether a text is a glob, or ends with what is after the `*` at the start of one."""
    return text.endswith(glob[1:]) if glob.startswith("*") else text == glob


def _host(url: str) -> str:
    """Return the host in a URL; an empty one, which no glob but `*` matches, if there is none to be found."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
