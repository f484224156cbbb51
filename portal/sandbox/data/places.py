# ruff: noqa: E501 - a sentence or a list of names stays on its line
"""
Names, firms and telephone numbers by country.

A name in a script other than Latin carries its spelling in Latin letters after a bar, for
e-mail addresses: "佐藤|sato".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """
    A country's people. `language` chooses the threads; `phone` has # for each digit.

    `firm` joins a family name or a word of `trades` with the country's form of company.
    `weight` is how common the place is among the visitors.
    """

    language: str
    first: str
    family: str
    phone: str
    firms: str
    family_first: bool = False
    weight: int = 2


PLACES = (
    Place(
        "en",
        "Amelia Oliver Harriet George Imogen Rhys Niamh Callum Priya Desmond Beatrix Fergus",
        "Whitfield Okonkwo Harcastle Pemberton O’Sullivan MacLeod Thackeray Llewellyn Ashworth "
        "Singh-Baxter Fairweather Quigley",
        "+44 20 7946 0###",
        "Fairweather & Sons|fairweather;Tidewater Ceramics|tidewater;North Quay Logistics|northquay;"
        "Bramble Books|bramble;Copperfield Cycles|copperfield;Heron Dental Group|herondental",
        weight=5,
    ),
    Place(
        "en",
        "Jasmine Tyrone Madison Caleb Guadalupe Ethan Keisha Wyatt Rosalind Marcus Delia Hank",
        "Washington Delgado Brubaker Nakamura-Hill Vandermeer Abernathy Cho Ramírez Lindqvist "
        "Toussaint Begay Kowalczyk",
        "+1 (415) 555-01##",
        "Redwood Outfitters|redwoodoutfitters;Blue Mesa Solar, Inc.|bluemesa;Harbour Tools LLC|harbourtools;"
        "Juniper Pet Supply|juniperpet;Ninth Street Bakery|ninthstreet;Lakeshore Analytics|lakeshore",
        weight=5,
    ),
    Place(
        "de",
        "Jörg Annelie Matthias Käthe Björn Friederike Sönke Mareike Götz Ulrike Tilman Gesa",
        "Müller Schäfer Großmann Kühn Weiß Löffler Brandt Jäger Strauß Vogelsang Köhler Hübner",
        "+49 30 23125 ###",
        "Schäfer Werkzeugbau GmbH|schaefer-werkzeug;Müller & Söhne OHG|mueller-soehne;Nordlicht Versand GmbH|nordlicht;"
        "Grünspan Möbel KG|gruenspan;Elbtal Optik|elbtal-optik",
        weight=4,
    ),
    Place(
        "fr",
        "Éloïse Théo Maëlys François Zoé Gaël Anaïs Benoît Héloïse Jérôme Inès Loïc",
        "Lefèvre Dubois Gauthier Béranger Nguyễn-Roche Marchand d’Aubigné Chevalier Rémy Moreau "
        "Pélissier Fournier",
        "+33 1 99 00 ## ##",
        "Maison Lefèvre|maison-lefevre;Ateliers Béranger SARL|beranger;Librairie du Canal|librairieducanal;"
        "Vélos Gauthier SAS|velos-gauthier;Crème & Cie|cremeetcie",
        weight=4,
    ),
    Place(
        "es",
        "Íñigo Lucía Joaquín María-José Ramón Begoña Andrés Itziar Raúl Inés Óscar Ximena",
        "García Núñez Ibáñez Muñoz Echeverría Peña Ordóñez Castaño Domínguez Sepúlveda Vázquez Zúñiga",
        "+34 600 ### ###",
        "Cerámicas Núñez S.L.|ceramicas-nunez;Ordóñez Hermanos|ordonez;Farmacia del Mar|farmaciadelmar;"
        "Viajes Alcázar S.A.|viajes-alcazar;Taller Peña|tallerpena",
        weight=4,
    ),
    Place(
        "pt",
        "João Conceição Thaís Luís Antônia Caetano Estêvão Márcia Tomás Graça Ângela Raimundo",
        "Araújo Gonçalves Magalhães Simões Falcão Assunção Brandão Guimarães Patrício Sampaio Leitão Luz",
        "+55 11 9####-00##",
        "Café Simões Ltda.|cafesimoes;Magalhães Têxtil|magalhaes-textil;Padaria São Bento|saobento;"
        "Livraria Falcão|livrariafalcao",
        weight=3,
    ),
    Place(
        "it",
        "Niccolò Beatrice Giosuè Ludovica Matteo Chiara Raffaele Noemi Cosimo Allegra Tancredi Mirella",
        "Esposito Barbieri D’Angelo Fantò Bianchi Rinaldi Colò Ferrero Tommasini Scarpa Nicolò Vitale",
        "+39 06 5550 ####",
        "Officine Rinaldi S.r.l.|officine-rinaldi;Barbieri Vini|barbierivini;Calzature Scarpa S.p.A.|calzature-scarpa;"
        "Erboristeria Vitale|erboristeria-vitale",
        weight=3,
    ),
    Place(
        "nl",
        "Joost Fenna Daniël Noëlle Sjoerd Maaike Ruben Liesbeth Wout Anouk Tijn Marieke",
        "van_der_Heijden de_Vries Koç Janssen Bouwmeester ’t_Hart Özdemir Hoekstra Claeys van_Dijk Smeets Peeters",
        "+31 20 555 0###",
        "Bouwmeester Tuin BV|bouwmeester-tuin;De Gouden Fiets|goudenfiets;Hoekstra Zuivel|hoekstra;"
        "Lichthuis Claeys NV|lichthuis",
    ),
    Place(
        "en",
        "Łukasz Małgorzata Bożena Wojciech Zdzisława Jędrzej Agnieszka Stanisław Róża Grażyna Paweł Kinga",
        "Wójcik Kowalczyk Dąbrowski Śliwa Żak Piętka Grzegorczyk Łęcka Nowakowski Źródło Ćwik Sęk",
        "+48 22 555 ## ##",
        "Wójcik Meble sp. z o.o.|wojcik-meble;Piekarnia Śliwa|piekarnia-sliwa;Dąbrowski Transport|dabrowski",
    ),
    Place(
        "en",
        "Jiří Božena Ondřej Žaneta Vojtěch Ľubica Matúš Zdeňka Dušan Šárka Přemysl Růžena",
        "Dvořák Svobodová Němec Křížová Hruška Kováčik Šťastný Beránek Čapek Zelenková Říha Mlynár",
        "+420 222 555 ###",
        "Dvořák Strojírny a.s.|dvorak-strojirny;Květiny Růžena s.r.o.|kvetiny-ruzena;Pivovar Čáp|pivovar-cap",
    ),
    Place(
        "en",
        "Petra Žiga Nejc Špela Đorđe Milica Ćiro Jelena Vuk Anđela Goran Katja",
        "Novak Kovač Žižek Šuštaršič Đurić Marković Perišić Čolić Horvat Zajec Šarić Babić",
        "+386 1 555 01##",
        "Novak & Kovač d.o.o.|novak-kovac;Zajec Pohištvo|zajec;Jadran Čolnarna|jadran-colnarna",
    ),
    Place(
        "en",
        "Åsa Søren Göran Þóra Ólafur Aino Väinö Kjærsti Håkon Sigríður Mårten Æsa",
        "Lindström Øverland Jónsdóttir Hämäläinen Sørensen Åkesson Guðmundsson Björk Nygård Kähkönen Ærø Strøm",
        "+46 8 555 01# ##",
        "Øverland Fisk AS|overland-fisk;Lindström Möbler AB|lindstrom-mobler;Hämäläinen Oy|hamalainen;"
        "Jónsdóttir Ull ehf.|jonsdottir-ull",
        weight=3,
    ),
    Place(
        "tr",
        "Çağla Ömer Şule İbrahim Gülşen Yiğit Özge Uğur Işıl Barış Ünal Ayşe",
        "Yılmaz Öztürk Çelik Şahin Güneş Doğan Kılıç Aydoğdu Ünsal Çakır Işık Demirtaş",
        "+90 212 555 0###",
        "Güneş Tekstil A.Ş.|gunes-tekstil;Çınar Kitabevi|cinar-kitabevi;Öztürk Lojistik|ozturk-lojistik",
    ),
    Place(
        "en",
        "Ștefan Ioana Răzvan Zsófia Gergő Őrs Réka Ágnes Mădălina Bogdan Boglárka Țugui",
        "Popescu Kovács Szabó Ionescu Fülöp Țăranu Németh Dumitrașcu Győri Hegedűs Bălan Szűcs",
        "+40 21 555 0###",
        "Popescu Conserve SRL|popescu;Hegedűs Hangszer Kft.|hegedus-hangszer;Fülöp Kertészet|fulop",
    ),
    Place(
        "en",
        "Ngọc Đức Phương Thảo Minh Tuấn Hương Quỳnh Bảo Linh Khánh Trâm",
        "Nguyễn Trần Phạm Đặng Võ Huỳnh Bùi Đỗ Lê Hoàng",
        "+84 24 5550 ####",
        "Nội thất Phạm|noithat-pham;Cà phê Đặng|caphe-dang;Huỳnh Logistics|huynh-logistics",
        family_first=True,
    ),
    Place(
        "en",
        "Chidinma Oluwaseun Adaeze Ṣẹgun Wanjikũ Kwame Thandiwe Amadou Nomvula Yaw Zainab Tendai",
        "Okafor Adébáyọ̀ Mwangi Mensah Dlamini Diallo Nkosi Achieng Boateng Sithole Ibrahim Ouédraogo",
        "+234 1 555 0###",
        "Okafor Agro Ltd|okafor-agro;Baobab Pay|baobabpay;Mwangi Safaris|mwangi-safaris;Dlamini Prints|dlamini-prints",
        weight=3,
    ),
    Place(
        "ar",
        "عمر|omar ليلى|layla خالد|khaled نور|nour يوسف|youssef فاطمة|fatima طارق|tarek ريم|reem "
        "حسن|hassan سلمى|salma زياد|ziad هدى|huda",
        "حداد|haddad المنصوري|almansouri خليل|khalil الزهراني|alzahrani نجار|najjar القحطاني|alqahtani "
        "بدوي|badawi عبد_الله|abdallah صباغ|sabbagh شريف|sharif",
        "+961 1 555 0##",
        "مكتبة النور|maktabat-alnour;شركة دلتا للطباعة|delta-print;مطاحن الشام|matahen;عطور الخليج|khalij-perfumes",
        weight=3,
    ),
    Place(
        "he",
        "נועה|noa איתי|itay שירה|shira אורי|uri מיכל|michal יונתן|yonatan תמר|tamar דניאל|daniel "
        "הדס|hadas אלון|alon",
        "לוי|levi כהן|cohen מזרחי|mizrahi פרידמן|friedman אברהמי|avrahami ביטון|biton שגיא|sagi "
        "רוזנברג|rosenberg",
        "+972 3 555 0###",
        "מאפיית לוי|levi-bakery;גלים מערכות בע״מ|galim;סטודיו תמר|studio-tamar",
    ),
    Place(
        "zh",
        "伟|wei 芳|fang 秀英|xiuying 磊|lei 静|jing 浩然|haoran 子涵|zihan 丽|li 建国|jianguo 雨桐|yutong "
        "明|ming 晓东|xiaodong",
        "王|wang 李|li 张|zhang 刘|liu 陈|chen 杨|yang 欧阳|ouyang 赵|zhao 黄|huang 周|zhou 司马|sima 徐|xu",
        "+86 10 5550 ####",
        "青山茶业有限公司|qingshan-tea;明月科技|mingyue;海润物流|hairun;瑞丰机械|ruifeng",
        family_first=True,
        weight=3,
    ),
    Place(
        "ja",
        "陽葵|himari 蓮|ren 結衣|yui 大輔|daisuke さくら|sakura 健太|kenta 美咲|misaki 翔|sho 花子|hanako 直樹|naoki "
        "あかり|akari 拓海|takumi",
        "佐藤|sato 鈴木|suzuki 髙橋|takahashi 田中|tanaka 渡邉|watanabe 伊藤|ito 山本|yamamoto 小林|kobayashi "
        "加藤|kato 吉田|yoshida 五十嵐|igarashi",
        "+81 3 5550 ####",
        "株式会社青空|aozora;山本工業|yamamoto-kogyo;さくら書房|sakura-shobo;有限会社みなと水産|minato-suisan",
        family_first=True,
        weight=3,
    ),
    Place(
        "ko",
        "서연|seoyeon 민준|minjun 지우|jiwoo 하은|haeun 도윤|doyun 수빈|subin 예준|yejun 유진|yujin 현우|hyunwoo 미영|miyoung",
        "김|kim 이|lee 박|park 최|choi 정|jung 강|kang 조|cho 남궁|namgung 윤|yoon 임|lim",
        "+82 2 5550 ####",
        "한빛소프트|hanbit-soft;주식회사 나래|narae;서울가구|seoul-gagu",
        family_first=True,
    ),
    Place(
        "uk",
        "Олена|olena Андрій|andrii Тарас|taras Соломія|solomiia Євген|yevhen Юлія|yuliia Богдан|bohdan Оксана|oksana "
        "Іван|ivan Леся|lesia",
        "Шевченко|shevchenko Коваленко|kovalenko Бондар|bondar Мельник|melnyk Ґалаґан|galagan Лисенко|lysenko "
        "Щербак|shcherbak Їжакевич|yizhakevych",
        "+380 44 555 0###",
        "ТОВ «Зерно»|zerno;Книгарня Леся|knyharnia-lesia;Карпати Тур|karpaty-tur",
    ),
    Place(
        "ru",
        "Анна|anna Дмитрий|dmitry Екатерина|ekaterina Сергей|sergei Наталья|natalia Алексей|alexey Ольга|olga "
        "Фёдор|fyodor Ясмина|yasmina Рустам|rustam",
        "Ковалёв|kovalyov Соколова|sokolova Ахметов|akhmetov Орлов|orlov Щукина|shchukina Иванов|ivanov "
        "Садыкова|sadykova Петренко|petrenko",
        "+7 727 355 0###",
        "ООО «Берёзка»|beryozka;Алма Логистика|alma-logistics;Мастерская Орлова|orlov-workshop",
    ),
    Place(
        "el",
        "Ελένη|eleni Γιώργος|giorgos Μαρία|maria Δημήτρης|dimitris Σοφία|sofia Κώστας|kostas Άννα|anna Νίκος|nikos "
        "Ιωάννα|ioanna Θανάσης|thanasis",
        "Παπαδόπουλος|papadopoulos Αγγελίδης|angelidis Οικονόμου|oikonomou Βλάχος|vlachos Νικολάου|nikolaou "
        "Ξενάκη|xenaki Γεωργίου|georgiou",
        "+30 21 0555 0###",
        "Ελαιώνες Βλάχου|elaiones-vlachou;Ναυτιλιακή Αιγαίο|aigaio;Τυπογραφείο Ξενάκη|xenaki",
    ),
    Place(
        "hi",
        "प्रिया|priya अर्जुन|arjun दीपिका|deepika राहुल|rahul अनन्या|ananya विक्रम|vikram मीरा|meera संजय|sanjay "
        "काव्या|kavya रोहन|rohan",
        "शर्मा|sharma पटेल|patel गुप्ता|gupta अय्यर|iyer सिंह|singh चौधरी|chaudhary देशपांडे|deshpande मिश्रा|mishra",
        "+91 22 5550 ####",
        "शर्मा साड़ी भंडार|sharma-saree;गंगा सोलर|ganga-solar;पटेल ट्रेडर्स|patel-traders",
        weight=3,
    ),
    Place(
        "th",
        "สมชาย|somchai มาลี|malee ณัฐพล|nattapon สุดา|suda กิตติ|kitti พิมพ์ชนก|pimchanok วิชัย|wichai อรทัย|orathai",
        "ศรีสุข|srisuk วงศ์สวัสดิ์|wongsawat ทองดี|thongdee บุญมา|boonma จันทร์เพ็ญ|chanpen รัตนกุล|rattanakul",
        "+66 2 555 0###",
        "ร้านศรีสุขไหมไทย|srisuk-silk;บริษัท ทองดี จำกัด|thongdee",
    ),
)
