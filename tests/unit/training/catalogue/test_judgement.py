import numpy as np
import pytest

from training.catalogue.exam import Exam, Result
from training.catalogue.judgement import Judgement

N = 40
EXAM = Exam(np.arange(N), ("in red",) * N, (frozenset({1}),) * N, (frozenset({0}),) * N, ("colour",) * N, 50)


def results(composed: int, ten: int, photo: int = 4) -> dict[str, Result]:
    """`composed` and `photo` of 40 queries answered first, `ten` among the first ten."""

    def hits(count: int) -> np.ndarray:
        return (np.arange(N) < count).astype(np.float32)

    return {
        "composed": Result("composed", hits(composed), hits(ten)),
        "photo alone": Result("photo alone", hits(photo), hits(ten)),
    }


def test_more_answers_first_and_none_lost_at_ten_win() -> None:
    judgement = Judgement(results(20, 36), results(24, 36), EXAM)
    assert judgement.objections() == []
    assert judgement.gain(judgement.live["composed"], 1)[0] == pytest.approx(10.0)  # 4 of 40
    assert judgement.by_attribute() == {"colour": (40, 50.0, 60.0)}
    assert judgement.record()["R@1, R@10"]["candidate: composed"] == [60.0, 90.0]


def test_as_many_answers_as_the_live_pack_do_not_win() -> None:
    (said,) = Judgement(results(20, 36), results(20, 40), EXAM).objections()
    assert "50.0 does not beat 50.0 of the live pack" in said


def test_the_candidates_own_photo_alone_is_a_rival() -> None:
    said = Judgement(results(20, 36), results(24, 36, photo=30), EXAM).objections()
    assert said == ["R@1 60.0 does not beat 75.0 of photo alone (candidate)"]


def test_what_is_lost_at_ten_speaks_against_it_unless_chance_explains_it() -> None:
    assert Judgement(results(20, 36), results(24, 35), EXAM).objections() == []
    lost = Judgement(results(20, 38), results(24, 26), EXAM).objections()
    assert lost[0] == "R@10 falls behind the live pack: 65.0 against 95.0"


def test_a_candidate_that_unlearned_words_does_not_win() -> None:
    live, candidate = (Result("captions", *(np.arange(N) < count for _ in "ab")) for count in (36, 20))
    found = tuple(Result("captions", each.first.astype(np.float32), each.ten.astype(np.float32))
                  for each in (live, candidate))  # fmt: skip
    said = Judgement(results(20, 36), results(24, 36), EXAM, (found[0], found[1])).objections()
    assert said[0] == "words without a photo find less than with the live pack: R@1 50.0 against 90.0"
    assert Judgement(results(20, 36), results(24, 36), EXAM, (found[0], found[0])).objections() == []
