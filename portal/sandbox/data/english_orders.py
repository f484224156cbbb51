# ruff: noqa: E501 - a sentence stays on its line
"""
Conversations in English about things ordered.

In braces: {order}, {product}, {agent}, {city}, {day}, {amount}, {n}, {name}.
"""

from __future__ import annotations

from portal.sandbox.data.scripts import FAREWELL, HAND_OVER, THANKS, Script

DELIVERY: Script = (
    (
        "v",
        (
            "Hi, when will order {order} arrive? It was promised for {day}.",
            "Hello! The tracking page has said “in transit” for {n} days now. Order {order}.",
            "Good morning, I ordered the {product} last week and have heard nothing since. Order {order}, I think.",
        ),
    ),
    (
        "b",
        (
            "Order {order} left our warehouse and is on its way to {city}. The carrier expects to deliver on {day}.",
            "I found order {order}: handed to the carrier, last scan in {city}.",
            "Order {order} was packed on {day} and waits for the carrier.",
        ),
    ),
    (
        "v",
        (
            "{day} evening or morning? It is a birthday present.",
            "That is what the page says too. It has not moved since.",
            "Can I talk to a person, please",
        ),
    ),
    HAND_OVER,
    (
        "a",
        (
            "Hi {name}, {agent} here. The driver starts in {city} at seven, you are his ninth stop: about eleven.",
            "Hello {name}, I am sorry about this. The label was damaged in {city}; they have printed a new one this morning.",
            "Hi {name}, {agent} speaking. One part of the {product} was out of stock and came in today. It leaves tonight.",
        ),
    ),
    (
        "v",
        (
            "Could it go to my neighbour at no. {n}? I am at work until six.",
            "And if it still does not move?",
            "Fine. Could you send it to a pick-up point instead?",
        ),
    ),
    (
        "a",
        (
            "Done, the driver has the note. You will get a text message an hour before.",
            "Then I send a new {product} by express and you refuse the late one. No cost for you.",
            "Changed. The shop next to the station in {city} keeps it for ten days.",
        ),
    ),
    THANKS,
    FAREWELL,
)

RETURN: Script = (
    (
        "v",
        (
            "The {product} arrived broken. What now?",
            "I would like to return the {product} from {order}, I ordered the wrong one.",
            "How do I send something back without a printer?",
        ),
    ),
    (
        "b",
        (
            "I am sorry to hear that. Please send a photo of the damage and of the parcel.",
            "You can return it within 30 days. Shall I make a label, or a QR code for the parcel shop?",
            "With a QR code: any parcel shop prints the label for you. Which order is it?",
        ),
    ),
    (
        "v",
        (
            "Photo is attached. The box was open on one side.",
            "Label, please. It was delivered {n} days ago.",
            "{order}",
        ),
    ),
    (
        "a",
        (
            "Thank you, {name}. A new {product} leaves tomorrow; keep or recycle the broken one.",
            "Here is your label, {name}. The refund of {amount} starts when it is scanned.",
            "Here is your code, valid until {day}. {agent}",
        ),
    ),
    (
        "v",
        (
            "Very generous! Do I have to sign for it?",
            "Does it have to be in the original box?",
            "Is the postage mine?",
        ),
    ),
    (
        "a",
        (
            "No, the driver leaves it where you allowed it.",
            "Any box that protects it will do.",
            "No, returns are free.",
        ),
    ),
    THANKS,
)

PRODUCT: Script = (
    (
        "v",
        (
            "Is the {product} available in green?",
            "I bought the {product}. May it go into the dryer or the dishwasher?",
            "How heavy is the {product}? I would carry it home by bicycle.",
        ),
    ),
    (
        "b",
        (
            "The {product} comes in natural, white and anthracite. Green was a limited edition.",
            "Let me look it up… According to the data sheet: up to 60 °C is fine.",
            "Let me look it up… The page does not say. I’ll ask.",
        ),
    ),
    (
        "v",
        (
            "Will there be green again?",
            "Your data sheet says 30 °C on page {n} 🙂",
            "Thanks, I can wait.",
        ),
    ),
    HAND_OVER,
    (
        "a",
        (
            "Hello {name}! In spring, most likely. I can put you on the list.",
            "Good catch, {name}: 30 °C is right. I have had the page corrected.",
            "Hi {name}, I put one on the scales: 2.{n} kg without packaging. {agent}",
        ),
    ),
    (
        "v",
        (
            "Yes, please do.",
            "You are welcome. Is the warranty still good after one wash at 60?",
            "You really weighed it? 😄",
        ),
    ),
    (
        "a",
        (
            "You are on it, for two pieces of green.",
            "It is, if the colour has not suffered. Send me a photo if in doubt.",
            "Of course. The bicycle will manage.",
        ),
    ),
    THANKS,
)

BILLING: Script = (
    (
        "v",
        (
            "My bank shows {amount} twice for one order. Is that a mistake?",
            "Hello, our VAT number is missing on the last invoice.",
            "I was charged {amount} on {day} though I cancelled in time.",
        ),
    ),
    ("b", ("Billing questions go to our accounts team. May I have the order number?",)),
    (
        "v",
        (
            "{order}",
            "It is {order}, from last month.",
            "{order}. I have the confirmation of the cancellation here.",
        ),
    ),
    HAND_OVER,
    (
        "a",
        (
            "Thanks for waiting, {name}. The second {amount} is only a reservation of your bank; it disappears within {n} days.",
            "I have added it and sent the new invoice to your address a minute ago.",
            "You are right, that was our mistake. I refunded {amount} just now.",
        ),
    ),
    (
        "v",
        (
            "And if it does not?",
            "Got it. Is the old invoice void then?",
            "How long does the refund take?",
        ),
    ),
    (
        "a",
        (
            "Then write to me directly and I send the proof your bank needs. {agent}",
            "Yes, the old one is cancelled; only the new one counts.",
            "Three to five working days, depending on the bank.",
        ),
    ),
    THANKS,
    FAREWELL,
)
