from catalog.models import Product
from searcher import palette
from searcher.results import Facet, FacetValue
from web.shop import cards, details, panel, wording
from web.shop.pagestate import PageState

COLOUR = Facet(
    "colour",
    "Colour",
    (
        FacetValue("navy", "Navy", 7, True),
        FacetValue("red", "Red", 9),
        FacetValue("white/navy", "White/Navy", 2),
    ),
)
CATEGORY = Facet(
    "category",
    "Category",
    (
        FacetValue("women", "Women", 9),
        FacetValue("women > dresses", "Women > Dresses", 4),
        FacetValue("men", "Men", 3),
    ),
)
PRICE = Facet("price", "Price", low=1999, high=12000)


def test_groups_come_in_the_order_shoppers_use_and_show_where_they_stand() -> None:
    size = Facet("size", "Size", (FacetValue("m", "M", 3), FacetValue("l", "L", 2)))
    groups = panel.groups([size, CATEGORY, COLOUR, PRICE], PageState())
    assert [group.field for group in groups] == ["colour", "size"]
    assert [choice.selected for choice in groups[0].shown] == [True, False, False]


def test_the_category_tree_opens_where_one_stands_and_leads_back_out() -> None:
    closed = panel.categories([CATEGORY], PageState(q="red"))
    assert [step.label for step in closed] == ["Men", "Women"]
    assert closed[1].url == "/?q=red&category=women"
    inside = panel.categories([CATEGORY], PageState(filters={"category": ("women > dresses",)}))
    assert [(step.label, step.depth, step.selected) for step in inside] == [
        ("Men", 0, False),
        ("Women", 0, False),
        ("Dresses", 1, True),
    ]
    assert inside[2].url == "/?category=women"


def test_a_facet_without_a_choice_is_left_out() -> None:
    only = Facet("brand", "Brand", (FacetValue("own", "Own", 12),))
    assert panel.groups([only], PageState()) == []


def test_many_values_are_folded_but_never_a_chosen_one() -> None:
    values = tuple(FacetValue(str(i), str(i), 1, i == 29) for i in range(30))
    group = panel.groups([Facet("brand", "Brand", values)], PageState())[0]
    assert len(group.shown) == panel.FIRST_SHOWN + 1
    assert group.shown[-1].value == "29"
    assert len(group.shown) + len(group.more) == 30


def test_chips_name_what_is_chosen_and_lead_to_the_search_without_it() -> None:
    state = PageState(q="coat", filters={"colour": ("navy", "gone")}, price_max="80")
    chips = panel.chips([COLOUR], state, "EUR")
    assert [chip.label for chip in chips] == ["Navy", "Gone", "Up to €80"]
    assert chips[0].url == "/?q=coat&colour=gone&price_max=80"
    assert chips[2].url == "/?q=coat&colour=navy&colour=gone"


def test_the_price_range_is_in_the_main_unit() -> None:
    found = panel.price_range([PRICE], PageState(price_min="30"), "USD")
    assert found is not None
    assert (found.sign, found.low, found.high, found.chosen_low) == ("$", "19.99", "120", "30")
    assert panel.price_range([], PageState(), "USD") is None


def test_prompts_never_ask_for_what_is_there_already() -> None:
    striped = Facet(
        "pattern", "Pattern", (FacetValue("striped", "Striped", 5), FacetValue("floral", "Floral", 2))
    )
    own = Product(title="Striped Shirt, Long-Sleeved", colour="Red/Navy", pattern="Striped")
    assert asked([COLOUR, striped], own) == ["but floral", "with short sleeves"]
    plain = Product(title="Leather Bag", colour="Brown", pattern="")
    assert asked([COLOUR], plain) == ["but in red", "but in navy"]  # a bag has no sleeves
    assert asked([COLOUR], plain, "but in navy") == ["but in red"]
    assert asked([], None) == ["with long sleeves"]  # a photo may show any


def asked(facets: list[Facet], own: Product | None, words: str = "") -> list[str]:
    return [text for text, _ in panel.prompts(facets, PageState(photo="x", q=words), own)]


def test_women_and_men_are_asked_for_once() -> None:
    gender = Facet("gender", "Gender", (FacetValue("female", "female", 9), FacetValue("male", "male", 3)))
    assert panel.groups([CATEGORY, gender], PageState()) == []
    assert [g.label for g in panel.groups([gender], PageState())] == ["For"]
    chosen = PageState(filters={"gender": ("female",)})
    assert [g.label for g in panel.groups([CATEGORY, gender], chosen)] == ["For"]


def test_sizes_from_to_are_set_with_a_dash() -> None:
    shown = [panel.shown_as("size", said, said) for said in ("XS-XL", "40-46", "One-size", "m")]
    assert shown == ["XS–XL", "40–46", "One-size", "m"]


def test_departments_are_the_first_level_with_a_choice() -> None:
    assert [d.label for d in panel.departments([CATEGORY])] == ["Women", "Men"]
    one = Facet(
        "category",
        "",
        (FacetValue("w", "W", 3), FacetValue("w > a", "W > A", 2), FacetValue("w > b", "W > B", 1)),
    )
    assert [d.label for d in panel.departments([one])] == ["A", "B"]
    assert panel.departments([]) == []


def test_colours_are_known_by_their_usual_names() -> None:
    assert palette.paints("White/Navy") == [*palette.paints("white"), *palette.paints("NAVY")]
    assert palette.paints("heather grey") == palette.paints("Grey")
    assert palette.paints("light blue jeans") == palette.paints("Light-Blue")
    assert palette.paints("sunset dream") == []


def test_descriptions_lose_their_tags_and_keep_their_paragraphs() -> None:
    said = details.paragraphs(
        "<p>Soft &amp; warm.</p><ul><li>Wool</li><li>Lined</li></ul><script>alert(1)</script>"
    )
    assert said == ["Soft & warm.", "Wool", "Lined", "alert(1)"]


def test_a_link_that_is_no_web_address_is_no_link() -> None:
    for link in ("javascript:alert(1)", "data:text/html,x", "/p/1", "", "http://shop.test/p/1"):
        assert cards.shop_link(Product(link=link), "shop.test") == ""
    assert cards.shop_link(Product(link="https://other.test/1"), "shop.test") == "https://other.test/1"


def test_the_price_bars_are_said_in_words_too() -> None:
    price = Facet("price", "Price", low=1000, high=5000, steps=(3, 1, 0, 6))
    span = panel.price_range([price], PageState(), "USD")
    assert span is not None and (span.bars, span.said) == ((50, 17, 0, 100), "Most cost $40 to $50")
    one = panel.price_range([Facet("price", "Price", low=1000, high=5000)], PageState(), "USD")
    assert one is not None and (one.bars, one.said) == ((), "")


def test_a_sale_shows_both_prices() -> None:
    assert cards.price_of(Product(price_minor=7000, sale_price_minor=4900, currency="USD")) == cards.Price(
        "$49", "$70"
    )
    assert cards.price_of(Product(price_minor=7000, sale_price_minor=9900, currency="USD")) == cards.Price(
        "$70"
    )
    assert cards.price_of(Product(price_minor=None, currency="USD")) is None


def test_headings_say_what_is_shown() -> None:
    assert wording.heading(PageState(photo="x", q="in red"), "Your photo", []) == "Like your photo, “in red”"
    assert wording.heading(PageState(like="x"), "Linen shirt", []) == "Like Linen shirt"
    assert wording.heading(PageState(filters={"colour": ("navy",)}), "", ["Navy"]) == "Navy"
    assert wording.heading(PageState(like="x", q="in red"), "this piece", []) == "Like this piece, “in red”"
    assert wording.announcement("Navy", "1 piece", True) == "Navy: 1 piece."
    assert "nothing" in wording.announcement("Navy", "0 pieces", False)


def test_the_count_says_where_everything_is_ranked() -> None:
    assert wording.count(PageState(q="red"), 1200) == "1,200 pieces, closest first"
    said = "Nothing has all of that. 1,200 pieces, closest first"
    assert wording.count(PageState(q="red"), 1200, lacking=True) == said
    assert wording.count(PageState(like="x"), 1) == "1 piece"
    assert wording.count(PageState(q="red", sort="price"), 12) == "12 pieces"
    assert wording.count(PageState(filters={"colour": ("red",)}), 12) == "12 pieces"
