"""What is left of botocore's descriptions is what a scan uses, and what is left is as it was."""

import re
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

import logscan_scanner.aws
from logscan_scanner.aws import clients
from logscan_scanner.aws.models import OPERATIONS, ServiceModels

REGIONS = ["eu-central-1", "us-east-1", "us-gov-west-1", "cn-north-1"]


@pytest.mark.parametrize("service", OPERATIONS)
@pytest.mark.parametrize("region", REGIONS)
def test_a_client_is_botocores_own_but_for_operations_that_nobody_calls(service: str, region: str) -> None:
    # A session of its own: botocore changes the description of an operation when it is first called.
    session = botocore.session.get_session()
    session.register_component("data_loader", ServiceModels())
    ours = session.create_client(service, region_name=region, config=clients.config())
    theirs = botocore.session.get_session().create_client(service, region_name=region, config=clients.config())
    assert set(ours.meta.service_model.operation_names) == OPERATIONS[service]
    assert ours.meta.endpoint_url == theirs.meta.endpoint_url
    assert ours.meta.partition == theirs.meta.partition
    for name in OPERATIONS[service]:
        mine, whole = (client.meta.service_model.operation_model(name) for client in (ours, theirs))
        assert mine.input_shape is not None
        assert whole.input_shape is not None
        assert mine.input_shape.members.keys() == whole.input_shape.members.keys()
        assert [error.name for error in mine.error_shapes] == [error.name for error in whole.error_shapes]
        assert (mine.http, mine.auth) == (whole.http, whole.auth)


def test_every_operation_that_the_scanner_calls_is_left() -> None:
    called = set()
    for module in Path(logscan_scanner.aws.__file__).parent.glob("*.py"):
        called |= set(re.findall(r'(?:self\._(?:s3|dynamodb)|client\("\w+"\))\.([a-z_]+)\(', module.read_text()))
    left = {xform_name(name) for names in OPERATIONS.values() for name in names}
    assert called - {"get_paginator"} <= left
    assert len(called) >= 10
