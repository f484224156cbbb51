"""What leads want, how they are tagged, and what is noted about contacts."""

from __future__ import annotations

SOURCES = {"widget": 46, "whatsapp": 20, "messenger": 12, "api": 9, "manual": 13}

STAGES = {
    "new": 30,
    "qualified": 19,
    "assigned": 13,
    "contacted": 16,
    "converted": 12,
    "lost": 8,
    "demo booked": 3,
    "on hold": 2,
}
"""The six documented stages, and two of this workspace's own."""

LEAD_TAGS = (
    "retail",
    "wholesale",
    "enterprise",
    "trial",
    "urgent",
    "returning",
    "partner",
    "newsletter",
    "fair 2026",
    "price-sensitive",
    "non-profit",
    "référence",
)
CONTACT_TAGS = (
    "customer",
    "vip",
    "supplier",
    "press",
    "beta tester",
    "reseller",
    "student",
    "former customer",
    "日本語",
    "invoice by post",
)

REPRESENTATIVES = (
    ("Ingrid", "Sørensen", "ingrid.sorensen@crossdesk.example"),
    ("Mateo", "Ibáñez", "mateo.ibanez@crossdesk.example"),
    ("Aisha", "Bello", "aisha.bello@crossdesk.example"),
    ("Kenji", "Watanabe", "kenji.watanabe@crossdesk.example"),
    ("Clara", "Großmann", "clara.grossmann@crossdesk.example"),
    ("Tomasz", "Łęcki", "tomasz.lecki@crossdesk.example"),
    ("Leila", "Haddad", "leila.haddad@crossdesk.example"),
)

WISHES = (
    "a chat bot",
    "one inbox for e-mail and WhatsApp",
    "order tracking inside the chat",
    "a booking form",
    "automatic answers at night",
    "a product finder",
    "a hand-over from bot to people",
    "multilingual support",
    "a price calculator",
    "lead capture on the landing page",
    "a replacement for the old ticket system",
    "delivery notifications",
)
SHOPS = (
    "a spare-parts shop",
    "three bakeries",
    "a dental practice",
    "a bicycle workshop",
    "an online book shop",
    "a hotel of 40 rooms",
    "a wine importer",
    "a furniture maker",
    "a language school",
    "a solar installer",
    "a regional museum",
    "a pharmacy chain",
    "a second-hand marketplace",
    "a travel agency",
    "a printing house",
    "a tea wholesaler",
)
CONDITIONS = (
    "Wants to start before the season.",
    "Compares us with two others; decides this month.",
    "Needs the data to stay in the EU.",
    "Team of {people}, about {chats} chats a week.",
    "Asked twice for a price.",
    "Budget is approved.",
    "Only evenings suit for a call.",
    "Was sent by an existing customer.",
    "Has a developer in-house.",
    "Must integrate with the present web shop.",
    "Not sure yet who decides.",
    "",
    "",
)
SUMMARIES = (
    "Sucht eine Lösung für {chats} Anfragen pro Woche; Angebot auf Deutsch erbeten.",
    "Cherche un widget de chat pour {people} conseillers, démarrage rapide souhaité.",
    "Quiere responder por WhatsApp desde un solo lugar; equipo de {people} personas.",
    "夜間の自動応答を検討中。担当者は{people}名。",
    "想为网店添加在线客服，每周约{chats}次咨询。",
    "يبحث عن دردشة للموقع بالعربية والإنجليزية، فريق من {people} أشخاص.",
    "Precisa de um robô para {chats} conversas por semana, com fatura mensal.",
)
"""Some needs are summed up in the visitor's language."""

NOTES = (
    "Prefers mornings.",
    "Call before writing; reads e-mail rarely.",
    "Invoices go to accounting@, not to her.",
    "Speaks German and a little Italian.",
    "Met at the spring fair, stand 14.",
    "Birthday in June; likes plain answers.",
    "Had trouble with the first delivery, now satisfied.",
    "Asks for every price in writing.",
    "Out of office each August.",
    "Knows the product well; helps others in the forum.",
    "Do not call on Fridays.",
    "Left-handed model only!",
)
INTERESTS = (
    "Order tracking in chat",
    "Volume discounts",
    "The WhatsApp channel",
    "Opening hours of the workshop",
    "Returns without a printer",
    "The annual plan",
    "Bulk import of contacts",
    "Training for new colleagues",
    "Gift wrapping for the holidays",
    "Accessibility of the widget",
)
CONVERSATION_TAGS = {
    "delivery": ("delivery",),
    "billing": ("billing", "invoice"),
    "booking": ("booking",),
    "bug": ("bug", "app"),
    "pricing": ("pricing", "sales"),
    "return": ("return", "delivery"),
    "account": ("account", "login"),
    "product": ("product question",),
}
PRODUCTS = (
    "oak shelf, 120 cm",
    "rear wheel 28″",
    "travel mug, blue",
    "linen curtain, pair",
    "reading lamp No. 3",
    "espresso grinder",
    "rain jacket, size M",
    "desk chair Halden",
    "seed box, 24 kinds",
    "wool blanket, grey",
    "board game “Harbour”",
    "bread knife",
)
CITIES = (
    "Ljubljana",
    "Leeds",
    "Nagoya",
    "Porto",
    "Beirut",
    "Gdańsk",
    "Oaxaca",
    "Tromsø",
    "Pune",
    "Accra",
    "Busan",
    "Zürich",
)
