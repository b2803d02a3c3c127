from catalog.database import Sessions
from catalog.promotions import list_promotions, note_promotion


def test_what_was_promoted_and_why_is_read_back_latest_first(ledger: Sessions) -> None:
    table = {"queries": 40, "R@1, R@10": {"live: composed": [41.5, 90.0]}}
    for name, forced, reason in (("one", False, ""), ("two", True, "the buyers like its reds")):
        with ledger.begin() as session:
            note_promotion(
                session, pack=name, fingerprint=name * 8, live_fingerprint="f" * 32, forced=forced,
                reason=reason, figures=table,
            )  # fmt: skip
    with ledger() as session:
        latest, first = list_promotions(session)
    assert (latest.pack, latest.forced, latest.reason) == ("two", True, "the buyers like its reds")
    assert (first.forced, first.reason, first.figures) == (False, "", table)
    assert first.at <= latest.at
