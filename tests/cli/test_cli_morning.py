"""The morning note and the page: what happened, why, and nothing that a text in them could do."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from cli_parts import AT, Past, Shell, snapshot

from persona.morning.scores import restraint_line
from persona.report import EvalReport, Sample, Training
from store.identity import with_id
from store.records import Feedback, FeedbackKind, Interaction, Message, Run, RunState

HOSTILE = '<script>alert(1)</script> "><img src=x onerror=alert(1)> {{ 7*7 }} \u202egnp.exe \x1b[2J </pre>'


def vote(shell: Shell, revision: str, *, ups: int, downs: int) -> None:
    with shell.store() as store:
        for n in range(ups + downs):
            asked = with_id(
                Interaction(
                    id="",
                    conversation=f"v-{revision}-{n}",
                    at=AT,
                    source="test",
                    prompt=(Message(role="user", content=f"Q {n}"),),
                    completion=Message(role="assistant", content="A"),
                    revision=revision,
                )
            )
            store.interactions.add(asked)
            kind = FeedbackKind.UP if n < ups else FeedbackKind.DOWN
            for at, what in ((AT, FeedbackKind.DOWN), (AT + timedelta(hours=1), kind)):
                store.feedback.add(with_id(Feedback(id="", kind=what, at=at, interaction=asked.id)))


def run_again(shell: Shell, past: Past, state: RunState, **parts: object) -> None:
    """Another night after the past."""
    with shell.store() as store:
        at = AT + timedelta(days=9)
        store.runs.start(Run(id="run-3", started_at=at, state=RunState.STARTED))
        store.runs.finish("run-3", state=state, ended_at=at + timedelta(minutes=3), **parts)  # type: ignore[arg-type]


def hostile_night(shell: Shell, past: Past) -> None:
    report = EvalReport.from_json(
        shell.persona().store.runs.of_revision(past.r2.id).report  # type: ignore[union-attr, arg-type]
    )
    plain = EvalReport(
        candidate=report.candidate,
        champion=report.champion,
        base=report.base,
        statements=dict.fromkeys(report.statements, HOSTILE),
        engine="fake",
        samples=(Sample(prompt=HOSTILE, base=HOSTILE, champion=HOSTILE, candidate=HOSTILE + "!"),),
        training=Training(
            rows=4, pairs=2, too_long=2, steps=3, tokens=100, device="cpu",
            losses={"loss": (3.0, 2.0, 1.0), "replay": (0.1, 0.2, 0.1)}, scale=0.8125, drift=0.0334,
        ),
        too_long=1,
    ).to_json()  # fmt: skip
    costs = {
        "train": {
            "seconds": 90.0, "cpu_seconds": 170.0, "peak_bytes": 2_400_000_000, "written_bytes": 3_000_000,
            "tries": 2, "lost_seconds": 30.0, "paused_seconds": 60.0,
        }
    }  # fmt: skip
    run_again(
        shell, past, RunState.PROMOTED, snapshot=past.new.id, revision=past.r2.id, reasons=[HOSTILE],
        report=plain, costs=costs,
    )  # fmt: skip


def test_the_note_of_a_promotion(shell: Shell, past: Past) -> None:
    """Learnt or refused, why, what, before and after, and the price, in this order."""
    hostile_night(shell, past)
    ran = shell.run("morning")
    assert 0 == ran.code
    lines = ran.out.splitlines()
    assert lines[0] == "r2 learnt from 3 examples in 3 conversations and is in use."
    headings = [line for line in lines if line in {"why", "learnt", "measured", "before and after", "cost"}]
    assert ["why", "learnt", "measured", "before and after", "cost"] == headings
    assert "  2.0 minutes, 1.0 more standing still for you, 2.8 of processor time, 2.4 GB" in ran.out
    assert "3 MB written, memory ran out: 2 tries" in ran.out
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out


def test_a_night_of_wishes_alone(shell: Shell, past: Past, tmp_path: Path) -> None:
    """It learnt from what was said, and nobody counts examples and conversations that there were none of."""
    with shell.store() as store:
        said = snapshot(store, train=[], held_out=[], entries=store.ledger.active()[:1], day=3)
    run_again(shell, past, RunState.PROMOTED, snapshot=said.id, revision=past.r2.id, reasons=["better"])
    note = shell.run("morning").out
    assert "r2 learnt from what you said and is in use." == note.splitlines()[0]
    assert "conversation" not in note
    assert 0 == shell.run("report", "r2", "--html", str(tmp_path / "page.html")).code
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "practised on the base's own answers" in page
    assert "0 examples" not in page


TAKEN_BACK = (
    "the adapter was taken back to 81 % of its scale: it then drifted by 0.033 nats per token on replay"
)


def test_restraint_is_told(shell: Shell, past: Past, tmp_path: Path) -> None:
    """What was left of the adapter before it was judged: in the report, the note and the page."""
    hostile_night(shell, past)
    file = tmp_path / "page.html"
    assert TAKEN_BACK in shell.run("report", "--html", str(file)).out
    assert TAKEN_BACK in shell.run("morning").out
    assert TAKEN_BACK in Page(file.read_text()).text
    training = shell.run("report", "--json").json["report"]["training"]
    assert (0.8125, 0.0334) == (training["scale"], training["drift"])


def test_what_was_too_long_is_told(shell: Shell, past: Past) -> None:
    """Nobody should wonder why a long answer taught nothing."""
    hostile_night(shell, past)
    left_out = "left out, as too long: 2 examples and 1 held-out prompt or pair"
    assert left_out in shell.run("report").out
    assert left_out in shell.run("morning").out


@pytest.mark.parametrize(
    ("scale", "drift", "words"),
    [
        (1.0, 0.0204, "the adapter kept its whole scale: it drifted by 0.020 nats per token on replay"),
        (1.0, None, ""),
    ],
)
def test_restraint_that_took_nothing(scale: float, drift: float | None, words: str) -> None:
    """Is said where it measured; a build without it says nothing."""
    training = Training(
        rows=4, pairs=2, too_long=0, steps=3, tokens=100, device="cpu", scale=scale, drift=drift
    )
    assert words == restraint_line(training)


def test_a_report_of_an_earlier_version(shell: Shell, past: Past) -> None:
    """It says nothing of restraint, and is read all the same."""
    hostile_night(shell, past)
    plain = shell.run("report", "--json").json["report"]
    del plain["training"]["scale"], plain["training"]["drift"]
    training = EvalReport.from_json(plain).training
    assert training is not None
    assert (1.0, None) == (training.scale, training.drift)


@pytest.mark.parametrize(
    ("state", "reason", "headline"),
    [
        (RunState.FAILED, "train did not finish: out of memory", "The night failed; r2 stays in use."),
        (RunState.INTERRUPTED, "cut off before its end", "The night was interrupted; the next one"),
        (RunState.NOTHING_TO_LEARN, "nothing new since r2", "There was nothing to learn."),
    ],
)
def test_other_ends(shell: Shell, past: Past, state: RunState, reason: str, headline: str) -> None:
    """The note says how the night ended, and why."""
    run_again(shell, past, state, reasons=[reason])
    out = shell.run("morning").out
    assert out.startswith(headline)
    assert f"  {reason}" in out


def test_the_note_of_a_refusal(shell: Shell, past: Past) -> None:
    """What stays in use is named."""
    found = shell.run("report", "r1", "--json").json
    assert "rejected" == found["outcome"]
    run_again(
        shell, past, RunState.REJECTED, snapshot=past.old.id, revision=past.r1.id, reasons=["no better"],
        report=found["report"],
    )  # fmt: skip
    assert "r1 was refused; r0 stayed in use." == shell.run("morning").out.splitlines()[0]


def test_what_a_refused_night_did_not_learn_is_wanted(shell: Shell, past: Past) -> None:
    """What the ledger holds is told all the same, and by no word as if the weights had it."""
    run_again(shell, past, RunState.REJECTED, snapshot=past.new.id, revision=past.r1.id, reasons=["worse"])
    lines = shell.run("morning").out.splitlines()
    assert "wanted" in lines
    assert "learnt" not in lines


def test_no_night_yet(shell: Shell) -> None:
    """One line, exit code 2."""
    shell.persona().create()
    assert 2 == shell.run("morning").code


def test_votes_offer_a_rollback(shell: Shell, past: Past) -> None:
    """Status and note say so, with reasons; nothing is done by itself."""
    vote(shell, "r0", ups=18, downs=2)
    vote(shell, past.r2.id, ups=2, downs=10)
    status = shell.run("status")
    assert "r2: 10 of 12 votes down (83%); r0: 2 of 20" in status.out
    assert "`persona rollback` goes back to r0" in status.out
    assert "worse" == shell.run("status", "--json").json["votes"]["finding"]
    assert "The votes say that r2 is worse" in shell.run("morning").out
    assert "r0" == shell.run("morning", "--json").json["back_to"]
    with shell.persona() as persona:
        assert persona.heed_votes() is None
    assert past.r2.id == shell.registry().champion()


def test_auto_rollback_is_asked_for(shell: Shell, past: Past) -> None:
    """With [gate] auto_rollback the rollback is done, its operation bears the reason, and status and note say
    so until another champion takes office."""
    vote(shell, "r0", ups=18, downs=2)
    vote(shell, past.r2.id, ups=2, downs=10)
    (shell.root / "config.toml").write_text("[gate]\nauto_rollback = true\n")
    with shell.persona() as persona:
        operation = persona.heed_votes()
    assert operation is not None
    assert operation.reason.startswith("the votes: r2: 10 of 12")
    assert "r0" == shell.registry().champion()

    said = "r2 was taken back: the votes: r2: 10 of 12 votes down (83%); r0: 2 of 20"
    assert said in shell.run("status").out
    assert "taken_back" == shell.run("status", "--json").json["votes"]["finding"]
    assert said in shell.run("morning").out
    shell.run("promote", "r2")
    assert "taken back" not in shell.run("status").out


def test_going_back_by_hand_is_not_the_votes(shell: Shell, past: Past) -> None:
    """Nothing is said of them."""
    vote(shell, "r0", ups=18, downs=2)
    shell.run("rollback")
    assert shell.run("status", "--json").json["votes"] is None


class Page(HTMLParser):
    """What a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_one_file_that_does_nothing(shell: Shell, past: Past, tmp_path: Path) -> None:
    """No script, no image, no link, no handler, whatever the texts say; they are there as text."""
    hostile_night(shell, past)
    file = tmp_path / "page.html"
    assert 0 == shell.run("report", "r2", "--html", str(file)).code
    page = Page(file.read_text(encoding="utf-8"))
    names = {tag for tag, _ in page.tags}
    assert {"script", "img", "link", "iframe", "object", "a", "form", "base"}.isdisjoint(names)
    attributes = [(name, value) for _, attrs in page.tags for name, value in attrs.items()]
    assert not [name for name, _ in attributes if name.startswith("on") or name in ("src", "href")]
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7*7 }}" in page.text
    assert "\\u202e" in page.text
    assert "\u202e" not in page.text
    assert "default-src 'none'" in str([attrs for tag, attrs in page.tags if tag == "meta"])
    assert 0o600 == file.stat().st_mode & 0o777


def test_the_page_draws_scores_drift_and_losses(shell: Shell, past: Past, tmp_path: Path) -> None:
    """A bar an arm, two curves of three steps, the samples, the stages."""
    hostile_night(shell, past)
    file = tmp_path / "page.html"
    shell.run("report", "--html", str(file))
    page = Page(file.read_text(encoding="utf-8"))
    curves = [attrs["points"] for tag, attrs in page.tags if tag == "polyline"]
    drawn = [points for points in curves if points and len(points.split()) == 3]
    assert 2 == len(drawn)
    first = [float(point.split(",")[1]) for point in str(drawn[0]).split()]
    assert first == sorted(first)  # a falling loss goes down the page
    bars = [float(attrs["width"] or 0) for tag, attrs in page.tags if tag == "rect"]
    assert 8 == len(bars)  # base, before, after on two measures, and two drifts
    assert max(bars) <= 300
    assert "Loss over 3 steps" in page.text
    assert "2.40" in page.text


def test_a_night_without_a_report_has_a_page_too(shell: Shell, past: Past, tmp_path: Path) -> None:
    """It says what happened."""
    run_again(shell, past, RunState.FAILED, reasons=["<b>disk</b> full"])
    file = tmp_path / "page.html"
    assert 0 == shell.run("report", "--html", str(file)).code
    assert "<b>disk</b> full" in Page(file.read_text()).text
