# ruff: noqa: E501 - a sentence or a list of names stays on its line
"""Conversations by language and subject; see `scripts.py` for the form."""

from __future__ import annotations

from portal.sandbox.data import english_orders as orders
from portal.sandbox.data import english_service as service
from portal.sandbox.data.scripts import Script

ENGLISH: dict[str, Script] = {
    "delivery": orders.DELIVERY,
    "billing": orders.BILLING,
    "booking": service.BOOKING,
    "bug": service.BUG,
    "pricing": service.PRICING,
    "return": orders.RETURN,
    "account": service.ACCOUNT,
    "product": orders.PRODUCT,
}
GERMAN: dict[str, Script] = {
    "delivery": (
        (
            "v",
            (
                "Guten Tag, wo bleibt meine Bestellung {order}?",
                "Hallo, das Paket sollte am {day} kommen und ist nicht da.",
            ),
        ),
        ("b", ("Ihre Bestellung {order} ist unterwegs, letzter Scan in {city}.",)),
        (
            "v",
            ("Das steht dort schon seit {n} Tagen.", "Kann ich bitte mit einem Menschen sprechen?"),
        ),
        (
            "a",
            (
                "Guten Tag, hier ist {agent}. Ich habe beim Zusteller nachgefragt: Die Zustellung ist für morgen geplant.",
            ),
        ),
        ("v", ("Danke, dann warte ich noch ab.", "Bitte beim Nachbarn abgeben, Nr. {n}.")),
        ("a", ("Ist vermerkt. Einen schönen Tag noch!", "Gern geschehen!")),
    ),
    "billing": (
        (
            "v",
            (
                "Auf der Rechnung {order} fehlt unsere USt-IdNr.",
                "Mir wurden {amount} doppelt abgebucht.",
            ),
        ),
        ("b", ("Ich leite Sie an die Buchhaltung weiter.",)),
        (
            "a",
            (
                "Die korrigierte Rechnung liegt in Ihrem Postfach, {name}.",
                "Der Betrag ist soeben erstattet worden.",
            ),
        ),
        ("v", ("Vielen Dank, das ging schnell!", "Angekommen, danke.")),
    ),
}
FRENCH: dict[str, Script] = {
    "booking": (
        (
            "v",
            (
                "Bonjour, avez-vous une table pour {n} personnes samedi soir ?",
                "Je voudrais déplacer mon rendez-vous, s’il vous plaît.",
            ),
        ),
        ("b", ("Avec plaisir ! Il reste 19 h et 20 h 30. Que préférez-vous ?",)),
        (
            "v",
            ("20 h 30, merci. Au nom de {name}.", "Plutôt la semaine prochaine, c’est possible ?"),
        ),
        (
            "a",
            ("C’est noté, à bientôt !", "Bien sûr, je vous propose mardi à la même heure. {agent}"),
        ),
        ("v", ("Parfait, merci beaucoup.",)),
    ),
    "delivery": (
        ("v", ("Bonjour, le colis {order} n’est toujours pas arrivé à {city}.",)),
        ("b", ("Votre colis est en cours d’acheminement.",)),
        ("v", ("C’est ce que vous me dites depuis {n} jours…",)),
        (
            "a",
            ("Je suis désolée pour ce retard. Je fais partir un nouveau colis aujourd’hui même.",),
        ),
        ("v", ("Merci, c’est très aimable.",)),
    ),
}
SPANISH: dict[str, Script] = {
    "pricing": (
        (
            "v",
            (
                "Hola, ¿cuánto cuesta para {n} usuarios?",
                "¿Tienen precio especial para asociaciones?",
            ),
        ),
        ("b", ("Con gusto. ¿Me deja su correo para enviarle una oferta?",)),
        ("v", ("Ya lo tienen, es el de mi registro.",)),
        ("a", ("Buenas, {name}. Serían {amount} al mes, IVA incluido.",)),
        ("v", ("Lo consulto con mi socia y le digo. ¡Gracias!", "¿Y pagando el año completo?")),
        ("a", ("Entonces le descuento dos meses.",)),
    ),
    "return": (
        (
            "v",
            (
                "El producto llegó roto, ¿qué hago?",
                "Quiero devolver el pedido {order}, me queda pequeño.",
            ),
        ),
        ("b", ("Lo siento mucho. ¿Puede enviarnos una foto?",)),
        ("v", ("Ahí va. La caja venía abierta.",)),
        ("a", ("Gracias. Mañana sale uno nuevo, no hace falta devolver el otro.",)),
        ("v", ("¡Qué rapidez! Muchas gracias.",)),
    ),
}
PORTUGUESE: dict[str, Script] = {
    "delivery": (
        (
            "v",
            (
                "Oi, meu pedido {order} ainda não chegou.",
                "Bom dia! Consigo mudar o endereço de entrega?",
            ),
        ),
        ("b", ("Localizei o pedido {order}: saiu de {city} ontem.",)),
        ("v", ("Certo, mas eu viajo na quinta…",)),
        ("a", ("Sem problema, {name}: deixamos na portaria. Pode ser?",)),
        ("v", ("Pode sim, obrigado!",)),
    ),
}
ITALIAN: dict[str, Script] = {
    "product": (
        (
            "v",
            (
                "Buongiorno, questo articolo c’è anche in verde?",
                "Quanto pesa la spedizione per {city}?",
            ),
        ),
        ("b", ("Al momento è disponibile in bianco e antracite.",)),
        ("v", ("Peccato. Tornerà in verde?",)),
        ("a", ("Sì, in primavera: la avviso io, {name}.",)),
        ("v", ("Gentilissima, grazie!",)),
    ),
}
DUTCH: dict[str, Script] = {
    "account": (
        ("v", ("Hoi, ik kan niet meer inloggen.", "Hoe wijzig ik het factuuradres?")),
        ("b", ("Kijk eerst even in je spammap; de mail komt binnen vijf minuten.",)),
        ("v", ("Niets te vinden, helaas.",)),
        ("a", ("Ik heb de link opnieuw gestuurd, {name}. Lukt het zo?",)),
        ("v", ("Ja, gelukt. Dank je wel!",)),
    ),
}
TURKISH: dict[str, Script] = {
    "delivery": (
        ("v", ("Merhaba, {order} numaralı siparişim nerede?",)),
        ("b", ("Siparişiniz yolda; son konum {city}.",)),
        ("v", ("{n} gündür aynı yazıyor.",)),
        ("a", ("Kusura bakmayın, bugün dağıtıma çıkarılmasını sağladım.",)),
        ("v", ("Çok teşekkür ederim.",)),
    ),
}
ARABIC: dict[str, Script] = {
    "delivery": (
        ("v", ("السلام عليكم، متى تصل الطلبية {order}؟", "مرحباً، لم يصل الطرد حتى الآن.")),
        ("b", ("الطلبية {order} في الطريق، وآخر محطة كانت {city}.",)),
        ("v", ("هذا ما تقوله الصفحة منذ {n} أيام.",)),
        ("a", ("نعتذر عن التأخير. اتصلتُ بشركة الشحن وسيصل الطرد غداً إن شاء الله.",)),
        ("v", ("شكراً جزيلاً لكم.",)),
    ),
    "pricing": (
        ("v", ("كم سعر الباقة لعدد {n} موظفين؟",)),
        ("b", ("يسعدنا إرسال عرض سعر. ما اسم شركتكم؟",)),
        ("v", ("الاسم موجود في نموذج التسجيل.",)),
        ("a", ("السعر {amount} شهرياً، وهناك خصم عند الدفع السنوي.",)),
    ),
}
HEBREW: dict[str, Script] = {
    "booking": (
        ("v", ("שלום, אפשר להזיז את התור ליום חמישי?", "היי, יש מקום ל־{n} אנשים בערב?")),
        ("b", ("בשמחה! יש מקום ב־17:30 וב־19:00.",)),
        ("v", ("19:00 מצוין, תודה.",)),
        ("a", ("נרשם. נתראה, {name}!",)),
    ),
}
CHINESE: dict[str, Script] = {
    "product": (
        ("v", ("你好，这款还有绿色的吗？", "请问可以开增值税发票吗？")),
        ("b", ("您好！目前有白色和原木色。",)),
        ("v", ("那什么时候补货？",)),
        ("a", ("预计下个月到货，到货后我第一时间通知您。",)),
        ("v", ("好的，谢谢！",)),
    ),
    "delivery": (
        ("v", ("订单{order}已经{n}天没有更新了，麻烦查一下。",)),
        ("b", ("您的包裹正在运输途中。",)),
        ("v", ("转人工",)),
        ("a", ("您好，已联系快递，今天会重新派送。非常抱歉！",)),
        ("v", ("收到，辛苦了。",)),
    ),
}
JAPANESE: dict[str, Script] = {
    "delivery": (
        (
            "v",
            (
                "注文番号{order}ですが、まだ届いておりません。",
                "お世話になります。配送日を変更できますでしょうか。",
            ),
        ),
        ("b", ("ご注文{order}は配送中でございます。",)),
        ("v", ("{n}日前から表示が変わらないのですが…",)),
        ("a", ("ご不便をおかけして申し訳ございません。本日中に再配達の手配をいたします。",)),
        ("v", ("ありがとうございます。よろしくお願いいたします。",)),
        ("a", ("とんでもないことでございます。またいつでもご連絡ください。",)),
    ),
}
KOREAN: dict[str, Script] = {
    "return": (
        ("v", ("안녕하세요, 받은 상품이 깨져 있어요.", "주문 {order} 교환하고 싶습니다.")),
        ("b", ("불편을 드려 죄송합니다. 사진을 보내 주시겠어요?",)),
        ("v", ("네, 방금 보냈습니다.",)),
        ("a", ("확인했습니다. 내일 새 상품을 보내 드리겠습니다.",)),
        ("v", ("감사합니다!",)),
    ),
}
UKRAINIAN: dict[str, Script] = {
    "billing": (
        ("v", ("Доброго дня! Надішліть, будь ласка, рахунок за {order}.",)),
        ("b", ("Передаю ваше питання колегам з бухгалтерії.",)),
        ("a", ("Рахунок уже у вашій пошті, {name}.",)),
        ("v", ("Дякую, отримала!", "Щиро дякую.")),
    ),
}
RUSSIAN: dict[str, Script] = {
    "bug": (
        ("v", ("Здравствуйте, не открывается корзина. Пробовал {n} раз.",)),
        ("b", ("Попробуйте, пожалуйста, в приватном окне. Ошибка остаётся?",)),
        ("v", ("Да, то же самое.",)),
        ("a", ("Спасибо, воспроизвели. Исправление выйдет сегодня вечером.",)),
        ("v", ("Теперь работает, спасибо!",)),
    ),
}
GREEK: dict[str, Script] = {
    "product": (
        ("v", ("Καλημέρα, υπάρχει διαθέσιμο το προϊόν στο κατάστημα;",)),
        ("b", ("Καλημέρα! Ναι, {n} τεμάχια.",)),
        ("v", ("Μπορείτε να μου κρατήσετε ένα;",)),
        ("a", ("Βεβαίως, ως το Σάββατο. Στο όνομα {name};",)),
        ("v", ("Ναι, ευχαριστώ πολύ!",)),
    ),
}
HINDI: dict[str, Script] = {
    "delivery": (
        ("v", ("नमस्ते, मेरा ऑर्डर {order} कब तक आएगा?",)),
        ("b", ("आपका ऑर्डर रास्ते में है।",)),
        ("v", ("{n} दिन से यही लिखा है।",)),
        ("a", ("असुविधा के लिए क्षमा करें, {name} जी। कल तक पहुँच जाएगा।",)),
        ("v", ("धन्यवाद!",)),
    ),
}
THAI: dict[str, Script] = {
    "booking": (
        ("v", ("สวัสดีค่ะ ขอจองโต๊ะ {n} ที่ เย็นวันเสาร์ค่ะ",)),
        ("b", ("ยินดีค่ะ มีเวลา 18:00 และ 20:00 ค่ะ",)),
        ("v", ("18:00 ค่ะ ขอบคุณค่ะ",)),
        ("a", ("จองเรียบร้อยแล้วค่ะ พบกันวันเสาร์นะคะ",)),
    ),
}

SCRIPTS: dict[str, dict[str, Script]] = {
    "en": ENGLISH,
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "pt": PORTUGUESE,
    "it": ITALIAN,
    "nl": DUTCH,
    "tr": TURKISH,
    "ar": ARABIC,
    "he": HEBREW,
    "zh": CHINESE,
    "ja": JAPANESE,
    "ko": KOREAN,
    "uk": UKRAINIAN,
    "ru": RUSSIAN,
    "el": GREEK,
    "hi": HINDI,
    "th": THAI,
}
