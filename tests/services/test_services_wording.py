"""What people write is cleaned, and addresses have one strict form."""

from __future__ import annotations

import pytest

from arengo.errors import BadForm
from arengo.services.key import Key, number
from arengo.services.wording import clean, has_link, linked, mail, web


def test_hidden_signs_and_piles_of_marks_go() -> None:
    assert clean("safe\u202egnp.exe") == "safegnp.exe"
    assert clean("a\u200b\ufeff\u2066b") == "ab"
    assert clean("e\u0301") == "é"
    assert len(clean("z" + "\u0335" * 500)) == 4
    assert clean("می\u200cخواهم") == "می\u200cخواهم"  # the joiner belongs to the script
    assert clean("a\x00\x1b[31mb\r\nc") == "a  [31mb\nc"
    assert clean("a\n\n\n\n\n\nb") == "a\n\nb"
    assert clean("one\ntwo\u2028three", line=True) == "one two three"


def test_a_text_has_a_largest_size() -> None:
    assert clean("x" * 4000)
    with pytest.raises(BadForm):
        clean("x" * 4001)
    with pytest.raises(BadForm):
        clean("\u0301x" * 3000)


def test_links_are_found_and_nothing_else_becomes_one() -> None:
    text = "See https://a.example/x?y=(1), or javascript:alert(1) and <a href=https://b.example>b</a>."
    found = linked(text)
    assert "".join(words for words, _ in found) == text
    assert [href for _, href in found if href] == ["https://a.example/x?y=(1)", "https://b.example"]
    assert [href for _, href in linked("http://user:pw@evil.example http://[::1 https://localhost") if href] == []
    assert has_link("buy at cheap-pills.shop now")
    assert has_link("www.example")
    assert not has_link("The tree (no. 3) is gone. Really.")


@pytest.mark.parametrize(
    "address",
    [
        "plain", "a@b", "a b@c.de", "a@b..de", "a@-b.de", "a@b.de\nBcc: x@y.de", "a@b.de\r\n", "a,b@c.de", '"a b"@c.de',
        "a@b.de>", "<a@b.de>", "a@[127.0.0.1]", "a@1.2.3.4", "a" * 65 + "@b.de", "a@" + "b" * 250 + ".de", ".a@b.de",
    ],
)  # fmt: skip
def test_what_is_no_address_of_mail(address: str) -> None:
    if address.endswith("\r\n"):
        assert mail(address) == "a@b.de"  # spaces around are nobody's fault
        return
    with pytest.raises(BadForm):
        mail(address)


def test_addresses_of_mail() -> None:
    assert mail(" Anna.Rossi+data@Comune.Example ") == "Anna.Rossi+data@comune.example"
    assert mail("x@città.example") == "x@xn--citt-3na.example"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "data:text/html,x", "//evil.example", "http://", "http://host", "ftp://a.example",
        "https://a.example/ x", "https://a.example/\n", "https://u@a.example", "https://a.example:99999",
        'https://a.example/"onload=', "https://a.example/\u202e", "https://" + "a" * 1000 + ".example",
    ],
)  # fmt: skip
def test_what_is_no_address_of_the_web(address: str) -> None:
    if address.endswith("\n"):
        assert web(address) == "https://a.example/"
        return
    with pytest.raises(BadForm):
        web(address)


def test_secrets_open_one_thing_for_one_use(tmp_path) -> None:
    key = Key(tmp_path / "participation.key")
    secret = key.secret("track", "A")
    assert (tmp_path / "participation.key").stat().st_mode & 0o777 == 0o600
    assert key.opens("track", "A", secret)
    assert not key.opens("confirm", "A", secret)
    assert not key.opens("track", "B", secret)
    assert not key.opens("track", "A", "")
    assert not key.opens("track", "A", "ü\x00")
    assert Key(tmp_path / "participation.key").secret("track", "A") == secret
    assert len({number() for _ in range(1000)}) == 1000
