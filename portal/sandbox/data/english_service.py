# ruff: noqa: E501 - a sentence stays on its line
"""
Conversations in English about everything but orders.

In braces: {order}, {product}, {agent}, {city}, {day}, {amount}, {n}, {name}.
"""

from __future__ import annotations

from portal.sandbox.data.scripts import FAREWELL, HAND_OVER, THANKS, Script

BOOKING: Script = (
    (
        "v",
        (
            "Hi! Do you have a table for {n} on {day} evening?",
            "I would like to move my appointment from {day} to the week after.",
            "Can we book the seminar room for {n} people, half a day?",
        ),
    ),
    (
        "b",
        (
            "Gladly. On {day} these times are free: 17:30, 19:00 and 20:15. Which one suits you?",
            "No problem. The week after, 9:00 and 14:30 are free on {day}.",
            "The room is free on {day} from noon on. Shall I reserve it?",
        ),
    ),
    (
        "v",
        (
            "19:00 please. Under the name {name}.",
            "14:30",
            "Yes please. One of us uses a wheelchair.",
        ),
    ),
    (
        "b",
        (
            "Booked: {day}, 19:00, {n} people. You will receive a confirmation by e-mail.",
            "Moved to {day}, 14:30. The old appointment is cancelled.",
            "Reserved. A colleague will answer about the access today.",
        ),
    ),
    (
        "v",
        (
            "Two of us are vegan, is that a problem?",
            "Do I have to bring the papers again?",
            "Great, and is there a beamer?",
        ),
    ),
    (
        "a",
        (
            "No problem at all, the kitchen knows. {agent}",
            "No, we still have them. See you on {day}!",
            "Hi {name}: yes, and the room is on the ground floor with a wide door. {agent}",
        ),
    ),
    THANKS,
)

BUG: Script = (
    (
        "v",
        (
            "The checkout hangs at the last step, the button just spins. Tried it {n} times.",
            "Your app crashes when I open my messages. Android, newest version.",
            "hello? I get “Error 500” when I upload our price list",
        ),
    ),
    (
        "b",
        (
            "Sorry about that! Please try it in a private window first. Does the error stay?",
            "Thanks for telling us. Does it help to sign out and in again?",
            "Sorry! Which format does the file have, and how large is it?",
        ),
    ),
    (
        "v",
        (
            "Same thing in a private window.",
            "No. It worked until {day}.",
            "CSV, {n} MB, the same as every month.",
        ),
    ),
    HAND_OVER,
    (
        "a",
        (
            "Hi {name}, this is {agent}. Could you send me a screenshot, and roughly the time it last happened?",
            "Hello {name}, I can reproduce it: a photo in one of your chats has no size. Our developers are on it.",
            "Hi {name}, found it: one product name holds a line break, row 1{n}7.",
        ),
    ),
    (
        "v",
        (
            "Around 14:{n}0, order {order}. By the way, my street has an apostrophe.",
            "When will there be a fix?",
            "Oh. Can your side accept that?",
        ),
    ),
    (
        "a",
        (
            "That was the hint: the apostrophe breaks the form. The fix goes out tonight; I placed order {order} for you.",
            "It is in the store already, version 4.{n}. Please update.",
            "From tomorrow on, yes. For today I have uploaded it without the line break.",
        ),
    ),
    (
        "v",
        (
            "Order is there, thanks!",
            "Works again!",
            "Confirmed, prices are right.",
        ),
    ),
    FAREWELL,
)

PRICING: Script = (
    (
        "v",
        (
            "What would it cost for {n} agents? The page only shows up to five.",
            "Do you give a discount to schools and non-profits?",
            "We need {n}0 pieces of the {product}. Is there a wholesale price?",
        ),
    ),
    (
        "b",
        (
            "Prices depend on the number of seats. May I have your e-mail, so that a colleague can send an offer?",
            "We do. Our sales team looks at each case. What is your organisation called?",
            "For larger orders our sales team makes an offer. Where shall we deliver?",
        ),
    ),
    (
        "v",
        (
            "Sure, you have it already from the form.",
            "It is in my profile; we run a library in {city}.",
            "To {city}, one address, a ramp is there.",
        ),
    ),
    HAND_OVER,
    (
        "a",
        (
            "Hello {name}, for {n} seats it is {amount} a month, billed yearly. Shall I write that up?",
            "Hi {name}! Non-profits pay half. I need a scan of the registration, that is all.",
            "From {n}0 pieces on we take 18 % off; delivery to {city} is included.",
        ),
    ),
    (
        "v",
        (
            "And monthly billing?",
            "Wonderful. I attach it here.",
            "Could you do 20 %?",
        ),
    ),
    (
        "a",
        (
            "Monthly is ten percent more, and you can switch later.",
            "Thank you, that is enough. The next invoice has the new price. {agent}",
            "At twice the quantity, yes. I have put both into the offer.",
        ),
    ),
    (
        "v",
        (
            "Please send it in writing, my boss decides on {day}.",
            "Very kind of you!",
            "Then I take the larger one.",
        ),
    ),
    (
        "a",
        (
            "It is in your inbox. The offer holds for 30 days.",
            "With pleasure. Greetings to {city}!",
            "Very good. You have the confirmation within the hour.",
        ),
    ),
)

ACCOUNT: Script = (
    (
        "v",
        (
            "I cannot sign in any more, the reset mail does not come.",
            "How do I change the e-mail address of my account?",
            "My colleague left. Can her chats be moved to me?",
        ),
    ),
    (
        "b",
        (
            "Please look in the spam folder first. The mail comes from no-reply@ and takes up to five minutes.",
            "For your safety a person has to do this. I am handing over.",
            "An administrator can do that under Team. Are you one?",
        ),
    ),
    (
        "v",
        (
            "Not there either. I tried {n} times.",
            "ok",
            "No, she was the only one.",
        ),
    ),
    (
        "a",
        (
            "Hi {name}, your provider rejected our mail as “mailbox full”. Could you make some room? I’ll resend it then.",
            "Hello {name}, I have sent a confirmation to the old address. As soon as you click it, the new one is active.",
            "Then I need a line from your managing director, {name}, to this address. {agent}",
        ),
    ),
    (
        "v",
        (
            "Oh, embarrassing. Done, it arrived!",
            "I no longer have the old address.",
            "It is on its way.",
        ),
    ),
    (
        "a",
        (
            "Happens to everyone.",
            "Then I need another proof: number and date of your last invoice will do.",
            "Received. You are the administrator now, and all {n} open chats are yours.",
        ),
    ),
    THANKS,
)
