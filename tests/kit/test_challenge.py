"""challenge: the answers are those of the RFCs, and the password goes nowhere it need not."""

import base64

import pytest
from hypothesis import strategies as st

from monitor.kit.challenge import Challenge, Credential, answered, challenges, digest
from tests.fuzzing import fuzz, thoroughly

DUTY = Credential("duty", "s3cret")
DIGEST = 'Digest realm="county", nonce="abc"'


def told(proof):
    """Return the parameters of an answer."""
    (one,) = challenges([proof])
    return one.told


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616_comes_out(algorithm, response):
    (offer,) = challenges(
        [
            'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=' + algorithm + ","
            ' nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",'
            ' opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        ]
    )
    ours = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    proof = told(digest(offer, Credential("Mufasa", "Circle of Life"), "GET", "/dir/index.html", ours))

    assert proof["response"] == response
    assert proof["opaque"] == offer.told["opaque"]
    assert (proof["qop"], proof["nc"], proof["cnonce"]) == ("auth", "00000001", ours)


def test_a_server_of_before_rfc_2617_is_answered_in_its_way():
    """The figures are those of RFC 2069 as its errata corrected them."""
    (offer,) = challenges(['Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'])
    proof = told(digest(offer, Credential("Mufasa", "CircleOfLife"), "GET", "/dir/index.html", "unused"))

    assert proof["response"] == "1949323746fe6a43ef61f9606e7febea"
    assert "cnonce" not in proof


def test_the_session_variant_hashes_once_more():
    plain, session = (
        challenges([f'{DIGEST}, qop="auth", algorithm={name}'])[0] for name in ("MD5", "MD5-sess")
    )

    assert session.rank == plain.rank
    assert told(digest(plain, DUTY, "GET", "/", "x")) != told(digest(session, DUTY, "GET", "/", "x"))


def test_the_strongest_offer_is_taken():
    offers = challenges(['Basic realm="x"', f"{DIGEST}, algorithm=MD5", f"{DIGEST}, algorithm=SHA-256"])

    assert "algorithm=SHA-256" in answered(offers, DUTY, "GET", "/", basic=True)


def test_several_challenges_may_stand_in_one_line():
    offers = challenges(['Basic realm="a, b", Digest realm="c\\"d", nonce="n,=", stale=false, Negotiate'])

    assert offers == [
        Challenge("basic", {"realm": "a, b"}),
        Challenge("digest", {"realm": 'c"d', "nonce": "n,=", "stale": "false"}),
        Challenge("negotiate", {}),
    ]


def test_basic_is_answered_only_where_that_is_allowed():
    offers = challenges(['Basic realm="x"'])

    assert answered(offers, DUTY, "GET", "/", basic=False) is None
    assert base64.b64decode(answered(offers, DUTY, "GET", "/", basic=True)[6:]) == b"duty:s3cret"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f"{DIGEST}, algorithm=SHA-512-256", id="an-algorithm-we-have-not"),
        pytest.param(f'{DIGEST}, qop="auth-int"', id="only-with-the-body"),
        pytest.param('Digest realm="x"', id="no-nonce"),
        pytest.param("Negotiate", id="another-scheme"),
        pytest.param(DIGEST.replace("abc", "a\nb"), id="a-line-break-in-it"),
        pytest.param(DIGEST + "x" * 5000, id="endless"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_cannot_be_answered_is_not(value):
    assert answered(challenges([value]), DUTY, "GET", "/", basic=True) is None


def test_two_answers_to_one_challenge_differ():
    offers = challenges([f'{DIGEST}, qop="auth"'])

    assert answered(offers, DUTY, "GET", "/", basic=True) != answered(offers, DUTY, "GET", "/", basic=True)


PIECES = [
    "Digest", "Basic", " ", ",", "=", '"', "\\", 'realm="x"', 'nonce="', "qop=auth", "algorithm=", "MD5",
    "-sess", "SHA-256", "\t", "\0", "é", "a" * 70, '\\"' * 500,
]  # fmt: skip
noise = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=20).map("".join)


@thoroughly
def test_no_challenge_breaks_the_answer_or_gets_the_password(cases):
    def promise(value, basic):
        proof = answered(challenges([value]), DUTY, "DESCRIBE", "rtsp://h/", basic=basic)

        assert proof is None or (proof.isprintable() and "s3cret" not in proof)

    fuzz(cases, promise, noise, st.booleans())
