"""What `Impatient` relies on in uvicorn's own, private HTTP protocol is still there."""

import inspect
import re

import pytest
import uvicorn
from hepafed.server.gateway.limits import Impatient
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

SOURCE = inspect.getsource(HttpToolsProtocol)
OVERRIDDEN = sorted(
    name for name, what in vars(Impatient).items() if inspect.isfunction(what) and name != "_look"
)


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_a_method_that_we_extend_takes_what_it_took(name: str) -> None:
    theirs = inspect.signature(getattr(HttpToolsProtocol, name))
    assert list(inspect.signature(getattr(Impatient, name)).parameters) == list(theirs.parameters)


@pytest.mark.parametrize("name", ["_served", "_in_head", "_heads", "_head", "_watch", "_look"])
def test_a_name_of_ours_is_none_of_theirs(name: str) -> None:
    assert not re.search(rf"self\.{name}\b", SOURCE)
    assert not hasattr(HttpToolsProtocol, name)


def test_the_protocol_itself_is_what_the_parser_calls() -> None:
    assert "self.parser = httptools.HttpRequestParser(self)" in SOURCE
    assert "self.parser.feed_data(data)" in inspect.getsource(HttpToolsProtocol.data_received)


def test_the_protocol_has_the_loop_the_transport_and_the_newest_request() -> None:
    for line in (
        "self.loop = ",
        "self.transport = transport",
        "self.cycle = RequestResponseCycle(",
    ):
        assert line in SOURCE
    assert "self.response_complete = False" in inspect.getsource(RequestResponseCycle)


def test_the_server_takes_a_protocol_of_ours() -> None:
    config = uvicorn.Config(lambda: None, http=Impatient, ws="none", log_config=None)
    config.load()
    assert config.http_protocol_class is Impatient
