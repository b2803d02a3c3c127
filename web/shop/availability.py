"""Availability as shoppers say it."""

AVAILABILITY = {
    "in_stock": "In stock",
    "out_of_stock": "Sold out",
    "preorder": "Pre-order",
    "backorder": "Back soon",
}
