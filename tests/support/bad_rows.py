"""A feed whose rows are wrong in twelve ways, for tests and benchmarks."""

from collections.abc import Callable

HEAD = "ID,Title,Image Link,Additional Image Link,Price,Availability,Link,Colour\n"
Wrong = dict[int, tuple[str, str]]  # row: (column, code)
LONG = "x" * 301
# Twelve ways to be wrong, each with the column and the code that come of it.
WAYS: list[tuple[Callable[[str], str], str, str]] = [
    (lambda n: f",Dress,https://i.example/{n}.jpg,,1,,,red", "id", "required"),
    (lambda n: f"b{n},,https://i.example/{n}.jpg,,1,,,red", "title", "required"),
    (lambda n: f"b{n},{LONG},https://i.example/{n}.jpg,,1,,,red", "title", "too-long"),
    (lambda n: f"b{n},Dress,,,1,,,red", "image_link", "required"),
    (lambda n: f"b{n},Dress,ftp://i.example/{n}.jpg,,1,,,red", "image_link", "image-link-invalid"),
    (lambda n: f"b{n},Dress,{n}.jpg,,1,,,red", "image_link", "image-missing"),
    (lambda n: f"b{n},=Dress,https://i.example/{n}.jpg,,cheap,,,red", "price", "price-invalid"),
    (lambda n: f"b{n},Dress,https://i.example/{n}.jpg,,1.299 USD,,,red", "price", "price-ambiguous"),
    (lambda n: f"b{n},Dress,https://i.example/{n}.jpg,,-5.00,,,red", "price", "price-invalid"),
    (lambda n: f"b{n},Dress,https://i.example/{n}.jpg,,1,maybe,,red", "availability", "availability-unknown"),
    (lambda n: f"b{n},Dress,https://i.example/{n}.jpg,,1,,shop/{n},red", "link", "link-invalid"),
    (lambda n: f"g{n},Dress,https://i.example/{n}.jpg,,1,,,red,too,many", "", "too-many-cells"),
]  # fmt: skip


def feed_of(rows: int, bad: int, image: Callable[[int], str]) -> tuple[str, Wrong]:
    """A feed with one bad row in every `rows / bad`, and what is wrong with which row."""
    lines: list[str] = []
    wrong: Wrong = {}
    for n in range(rows):
        if n % (rows // bad) == 7:
            way, column, code = WAYS[len(wrong) % len(WAYS)]
            wrong[n + 2] = (column, code)
            lines.append(way(str(n)))
        else:
            lines.append(f"g{n},Dress {n},{image(n)},,{n}.00 USD,in stock,,blue")
    return HEAD + "\n".join(lines) + "\n", wrong
