import threading
import time

from vectors.edge.serving import Turns


def test_only_one_holds_the_turn() -> None:
    turns, inside, most = Turns(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(200):
            with turns:
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_search_waits_for_one_slice_of_a_long_write() -> None:
    turns, slices, waited = Turns(), 0, []
    stop = threading.Event()

    def write() -> None:
        nonlocal slices
        while not stop.is_set():
            with turns:
                time.sleep(0.005)
                slices += 1

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.02)
    for _ in range(20):
        before = slices
        with turns:
            waited.append(slices - before)
    stop.set()
    writer.join()
    assert max(waited) <= 2


def test_the_turn_is_given_back_after_an_error() -> None:
    turns = Turns()
    for _ in range(3):
        try:
            with turns:
                raise ValueError
        except ValueError:
            pass
    with turns:
        pass
