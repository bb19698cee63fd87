#!/usr/bin/python3
"""make_data.py - writes the demo's data: data/positions.json and data/listens.json

Deterministic: the same program gives the same bytes, so that tests can name a value.

Positions come from way-points through Amsterdam. Between two of them the vehicle speeds up to the
street's speed and slows down for the turn, and one position is noted every few seconds, off by a
few metres, as a phone would have it. Listens are real songs by real artists on real albums; every
id, cover address, play count and time is made up.
"""
import datetime
import hashlib
import json
import math
import pathlib
import random

FOLDER = pathlib.Path(__file__).resolve().parent / "data"

# (latitude, longitude, street from here on, usual speed in km/h)
DRIVE_LOTTE = [
    (52.39985, 4.93690, "Buikslotermeerplein", 30),
    (52.39760, 4.93330, "IJdoornlaan", 50),
    (52.39390, 4.92920, "Nieuwe Leeuwarderweg", 70),
    (52.38760, 4.92020, "Nieuwe Leeuwarderweg", 70),
    (52.38420, 4.91610, "IJtunnel", 70),
    (52.37560, 4.91230, "IJtunnel", 60),
    (52.37270, 4.91010, "Valkenburgerstraat", 30),
    (52.36830, 4.90480, "Mr. Visserplein", 30),
    (52.36610, 4.90570, "Weesperstraat", 30),
    (52.36130, 4.90850, "Weesperplein", 30),
    (52.35980, 4.90330, "Sarphatistraat", 30),
    (52.35990, 4.89880, "Frederiksplein", 30),
    (52.35870, 4.89090, "Stadhouderskade", 50),
    (52.36010, 4.88420, "Stadhouderskade", 50),
    (52.36280, 4.88010, "Nassaukade", 50),
    (52.36810, 4.87680, "Nassaukade", 50),
    (52.37210, 4.87620, "De Clercqstraat", 30),
    (52.37060, 4.86930, "Admiraal de Ruijterweg", 30),
    (52.37010, 4.86010, "Jan Evertsenstraat", 30),
    (52.37020, 4.85060, "Hoofdweg", 30),
    (52.36470, 4.84980, "Hoofdweg", 30),
    (52.35940, 4.85110, "Surinameplein", 50),
    (52.36030, 4.85830, "Overtoom", 30),
    (52.36160, 4.87190, "Eerste Constantijn Huygensstraat", 30),
    (52.35800, 4.87530, "Van Baerlestraat", 30),
    (52.35270, 4.87710, "Beethovenstraat", 30),
    (52.34490, 4.87610, "Beethovenstraat", 30),
    (52.34060, 4.87560, "Strawinskylaan", 50),
    (52.33950, 4.88330, "Strawinskylaan", 50),
    (52.34120, 4.89020, "Europaplein", 50),
    (52.34480, 4.89250, "Scheldestraat", 30),
    (52.34590, 4.89690, "Rooseveltlaan", 30),
    (52.34640, 4.90480, "Victorieplein", 30),
    (52.34720, 4.91260, "Berlagebrug", 30),
    (52.34800, 4.91640, "Wibautstraat", 50),
    (52.35450, 4.91280, "Wibautstraat", 50),
    (52.35810, 4.91550, "Eerste Oosterparkstraat", 30),
    (52.36100, 4.92370, "Linnaeusstraat", 30),
    (52.36480, 4.92630, "Zeeburgerstraat", 30),
    (52.36640, 4.93480, "Panamalaan", 50),
    (52.37390, 4.93110, "Piet Heinkade", 50),
    (52.37760, 4.91290, "Piet Heinkade", 50),
    (52.37880, 4.90130, "De Ruijterkade", 30),
]

RIDE_DAAN = [
    (52.37750, 4.87470, "Haarlemmerweg", 18),
    (52.38160, 4.88600, "Haarlemmerdijk", 16),
    (52.37930, 4.89420, "Prins Hendrikkade", 17),
    (52.37720, 4.90030, "Prins Hendrikkade", 17),
    (52.37270, 4.90090, "Geldersekade", 14),
    (52.36960, 4.90180, "Sint Antoniesbreestraat", 14),
    (52.36730, 4.90260, "Amstelstraat", 16),
]

WALK_MILA = [
    (52.35810, 4.86850, "Vondelpark", 5),
    (52.36020, 4.87650, "Vondelpark", 5),
    (52.36290, 4.88070, "Leidseplein", 5),
    (52.36440, 4.88480, "Leidsestraat", 4),
    (52.36690, 4.89030, "Koningsplein", 5),
]

UTC = datetime.timezone.utc

PEOPLE = {
    "lotte": dict(route=DRIVE_LOTTE, n=500, start=datetime.datetime(2026, 11, 2, 6, 31, 8, tzinfo=UTC),
                  phone="Fairphone 5", wifi="Bakkerij-Gasten", with_people=["Sanne Visser", "Joris"]),
    "daan": dict(route=RIDE_DAAN, n=120, start=datetime.datetime(2026, 11, 2, 7, 12, 41, tzinfo=UTC),
                 phone="Pixel 8", wifi="daan-thuis", with_people=[]),
    "mila": dict(route=WALK_MILA, n=120, start=datetime.datetime(2026, 11, 1, 13, 5, 0, tzinfo=UTC),
                 phone="iPhone 14", wifi="eduroam", with_people=["Opa Henk"]),
}


def metres_between(a, b):
    north = math.radians(b[0] - a[0]) * 6371000
    east = math.radians(b[1] - a[1]) * 6371000 * math.cos(math.radians((a[0] + b[0]) / 2))
    return math.hypot(north, east)


def heading_degrees(a, b):
    east = (b[1] - a[1]) * math.cos(math.radians((a[0] + b[0]) / 2))
    return round(math.degrees(math.atan2(east, b[0] - a[0])) % 360)


def ride(route, rng):
    """Yields second by second: (latitude, longitude, street, km/h, heading)."""
    for here, there in zip(route, route[1:]):
        length = metres_between(here, there)
        way = here[3] / 3.6
        done, speed = 0.0, 0.35 * way
        while done < length:
            near = min(done, length - done)
            aim = way * (0.45 + 0.55 * min(1.0, near / (way * 6)))
            speed += max(-2.0, min(1.4, aim - speed)) + rng.uniform(-0.3, 0.3)
            speed = max(0.5, speed)
            done = min(length, done + speed)
            part = done / length
            yield (here[0] + (there[0] - here[0]) * part, here[1] + (there[1] - here[1]) * part,
                   here[2], speed * 3.6, heading_degrees(here, there))
        if rng.random() < 0.4:  # a red light
            for _ in range(rng.randint(5, 25)):
                yield (there[0], there[1], here[2], 0.0, heading_degrees(here, there))


def positions_of(user, person):
    rng = random.Random(user)
    seconds = list(ride(person["route"], rng))
    features = []
    for i in range(person["n"]):
        at = i * (len(seconds) - 1) // (person["n"] - 1)
        latitude, longitude, street, kmh, heading = seconds[at]
        accuracy = rng.uniform(3, 9)
        latitude += rng.gauss(0, accuracy / 3) / 111195
        longitude += rng.gauss(0, accuracy / 3) / 111195 / math.cos(math.radians(latitude))
        when = person["start"] + datetime.timedelta(seconds=at)
        features.append({
            "type": "Feature",
            "id": f"{user}-{i:03d}",
            "geometry": {"type": "Point", "coordinates": [round(longitude, 6), round(latitude, 6)]},
            "properties": {
                "user": user,
                "recorded_at": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "speed_kmh": round(kmh, 1),
                "heading": heading,
                "accuracy_m": round(accuracy, 1),
                "street": street,
                "device": {
                    "model": person["phone"],
                    "battery_percent": 81 - i * 17 // person["n"],
                    "wifi_ssid": person["wifi"],
                },
                "nearby_contacts": [{"name": name} for name in person["with_people"]],
            },
        })
    return features


# (artist, track, album, released, seconds, number on the album, genres)
SONGS = [
    ("Radiohead", "Karma Police", "OK Computer", "1997-05-28", 264, 6, ["alternative rock", "art rock"]),
    ("Radiohead", "Weird Fishes/ Arpeggi", "In Rainbows", "2007-12-28", 318, 4, ["alternative rock", "art rock"]),
    ("Radiohead", "Everything in Its Right Place", "Kid A", "2000-10-02", 251, 1, ["alternative rock", "art rock"]),
    ("Massive Attack", "Teardrop", "Mezzanine", "1998-04-20", 330, 3, ["trip hop"]),
    ("Massive Attack", "Unfinished Sympathy", "Blue Lines", "1991-04-08", 308, 6, ["trip hop"]),
    ("Portishead", "Glory Box", "Dummy", "1994-08-22", 306, 11, ["trip hop"]),
    ("Portishead", "Roads", "Dummy", "1994-08-22", 305, 8, ["trip hop"]),
    ("Björk", "Jóga", "Homogenic", "1997-09-22", 305, 2, ["art pop", "electronica"]),
    ("Björk", "Hyperballad", "Post", "1995-06-13", 321, 2, ["art pop", "electronica"]),
    ("Daft Punk", "Around the World", "Homework", "1997-01-20", 429, 7, ["french house", "electronic"]),
    ("Daft Punk", "One More Time", "Discovery", "2001-03-12", 320, 1, ["french house", "electronic"]),
    ("Daft Punk", "Digital Love", "Discovery", "2001-03-12", 301, 3, ["french house", "electronic"]),
    ("Air", "La femme d'argent", "Moon Safari", "1998-01-16", 431, 1, ["downtempo", "electronic"]),
    ("Air", "Sexy Boy", "Moon Safari", "1998-01-16", 298, 2, ["downtempo", "electronic"]),
    ("Kraftwerk", "Autobahn", "Autobahn", "1974-11-01", 1363, 1, ["krautrock", "electronic"]),
    ("Kraftwerk", "The Model", "The Man-Machine", "1978-05-19", 218, 5, ["krautrock", "electronic"]),
    ("David Bowie", "Heroes", "\"Heroes\"", "1977-10-14", 371, 3, ["art rock", "glam rock"]),
    ("David Bowie", "Life on Mars?", "Hunky Dory", "1971-12-17", 235, 4, ["art rock", "glam rock"]),
    ("David Bowie", "Starman", "The Rise and Fall of Ziggy Stardust and the Spiders from Mars",
     "1972-06-16", 254, 4, ["art rock", "glam rock"]),
    ("Kate Bush", "Running Up That Hill (A Deal with God)", "Hounds of Love", "1985-09-16", 298, 1,
     ["art pop"]),
    ("Kate Bush", "Wuthering Heights", "The Kick Inside", "1978-02-17", 268, 6, ["art pop"]),
    ("Talking Heads", "Once in a Lifetime", "Remain in Light", "1980-10-08", 259, 4, ["new wave", "post-punk"]),
    ("Talking Heads", "This Must Be the Place (Naive Melody)", "Speaking in Tongues", "1983-06-01", 296, 9,
     ["new wave", "post-punk"]),
    ("New Order", "Bizarre Love Triangle", "Brotherhood", "1986-09-29", 262, 6, ["new wave", "synth-pop"]),
    ("Joy Division", "Disorder", "Unknown Pleasures", "1979-06-15", 211, 1, ["post-punk"]),
    ("The Cure", "A Forest", "Seventeen Seconds", "1980-04-22", 355, 7, ["post-punk", "gothic rock"]),
    ("The Cure", "Just Like Heaven", "Kiss Me, Kiss Me, Kiss Me", "1987-05-26", 212, 5,
     ["post-punk", "gothic rock"]),
    ("Fleetwood Mac", "Dreams", "Rumours", "1977-02-04", 257, 2, ["soft rock"]),
    ("Fleetwood Mac", "The Chain", "Rumours", "1977-02-04", 270, 7, ["soft rock"]),
    ("Nina Simone", "Feeling Good", "I Put a Spell on You", "1965-06-01", 175, 7, ["jazz", "soul"]),
    ("Nina Simone", "Sinnerman", "Pastel Blues", "1965-10-01", 622, 9, ["jazz", "soul"]),
    ("Miles Davis", "So What", "Kind of Blue", "1959-08-17", 562, 1, ["jazz", "modal jazz"]),
    ("Miles Davis", "Blue in Green", "Kind of Blue", "1959-08-17", 337, 3, ["jazz", "modal jazz"]),
    ("John Coltrane", "Naima", "Giant Steps", "1960-02-01", 261, 6, ["jazz", "hard bop"]),
    ("Chet Baker", "I Fall in Love Too Easily", "Chet Baker Sings", "1954-03-01", 201, 5,
     ["jazz", "cool jazz"]),
    ("Marvin Gaye", "What's Going On", "What's Going On", "1971-05-21", 233, 1, ["soul", "motown"]),
    ("Stevie Wonder", "Superstition", "Talking Book", "1972-10-28", 265, 6, ["soul", "funk"]),
    ("Stevie Wonder", "Sir Duke", "Songs in the Key of Life", "1976-09-28", 232, 5, ["soul", "funk"]),
    ("Aretha Franklin", "Respect", "I Never Loved a Man the Way I Love You", "1967-03-10", 147, 1, ["soul"]),
    ("Amy Winehouse", "Back to Black", "Back to Black", "2006-10-27", 241, 5, ["soul", "rhythm and blues"]),
    ("Lauryn Hill", "Doo Wop (That Thing)", "The Miseducation of Lauryn Hill", "1998-08-25", 320, 5,
     ["hip hop", "neo soul"]),
    ("A Tribe Called Quest", "Electric Relaxation", "Midnight Marauders", "1993-11-09", 246, 8, ["hip hop"]),
    ("Nas", "N.Y. State of Mind", "Illmatic", "1994-04-19", 294, 2, ["hip hop"]),
    ("Kendrick Lamar", "Alright", "To Pimp a Butterfly", "2015-03-15", 219, 7, ["hip hop"]),
    ("Kendrick Lamar", "DNA.", "DAMN.", "2017-04-14", 185, 2, ["hip hop"]),
    ("Outkast", "Ms. Jackson", "Stankonia", "2000-10-31", 270, 5, ["hip hop"]),
    ("Beastie Boys", "Sabotage", "Ill Communication", "1994-05-31", 178, 6, ["hip hop", "rap rock"]),
    ("Gorillaz", "Feel Good Inc.", "Demon Days", "2005-05-23", 222, 6, ["alternative hip hop"]),
    ("Tame Impala", "Let It Happen", "Currents", "2015-07-17", 467, 1, ["psychedelic pop"]),
    ("Tame Impala", "The Less I Know the Better", "Currents", "2015-07-17", 216, 7, ["psychedelic pop"]),
    ("Arcade Fire", "Wake Up", "Funeral", "2004-09-14", 335, 7, ["indie rock"]),
    ("Arcade Fire", "Sprawl II (Mountains Beyond Mountains)", "The Suburbs", "2010-08-02", 318, 15,
     ["indie rock"]),
    ("The National", "Bloodbuzz Ohio", "High Violet", "2010-05-10", 276, 6, ["indie rock"]),
    ("Bon Iver", "Holocene", "Bon Iver", "2011-06-17", 337, 3, ["indie folk"]),
    ("Sufjan Stevens", "Chicago", "Illinois", "2005-07-05", 364, 9, ["indie folk"]),
    ("Fleet Foxes", "White Winter Hymnal", "Fleet Foxes", "2008-06-03", 147, 2, ["indie folk"]),
    ("Nick Drake", "Pink Moon", "Pink Moon", "1972-02-25", 126, 1, ["folk"]),
    ("Joni Mitchell", "A Case of You", "Blue", "1971-06-22", 262, 9, ["folk"]),
    ("Bob Dylan", "Tangled Up in Blue", "Blood on the Tracks", "1975-01-20", 342, 1, ["folk rock"]),
    ("Leonard Cohen", "Suzanne", "Songs of Leonard Cohen", "1967-12-27", 228, 1, ["folk"]),
    ("Nirvana", "Come as You Are", "Nevermind", "1991-09-24", 219, 3, ["grunge"]),
    ("Pixies", "Where Is My Mind?", "Surfer Rosa", "1988-03-21", 233, 7, ["alternative rock"]),
    ("Pearl Jam", "Black", "Ten", "1991-08-27", 343, 5, ["grunge"]),
    ("Queens of the Stone Age", "No One Knows", "Songs for the Deaf", "2002-08-27", 278, 2, ["stoner rock"]),
    ("Led Zeppelin", "Kashmir", "Physical Graffiti", "1975-02-24", 517, 6, ["hard rock"]),
    ("Pink Floyd", "Time", "The Dark Side of the Moon", "1973-03-01", 413, 4, ["progressive rock"]),
    ("Pink Floyd", "Wish You Were Here", "Wish You Were Here", "1975-09-12", 334, 4, ["progressive rock"]),
    ("Golden Earring", "Radar Love", "Moontan", "1973-07-01", 386, 1, ["hard rock", "nederpop"]),
    ("Shocking Blue", "Venus", "At Home", "1969-09-01", 185, 9, ["nederpop"]),
    ("Doe Maar", "De bom", "Doris Day en andere stukken", "1982-01-01", 248, 6, ["nederpop", "ska"]),
    ("Boudewijn de Groot", "Avond", "Nacht en ontij", "1968-01-01", 250, 1, ["nederpop", "folk"]),
    ("Spinvis", "Bagagedrager", "Spinvis", "2002-04-08", 210, 2, ["nederpop"]),
    ("Fela Kuti", "Zombie", "Zombie", "1976-01-01", 746, 1, ["afrobeat"]),
    ("Buena Vista Social Club", "Chan Chan", "Buena Vista Social Club", "1997-06-23", 256, 1, ["son cubano"]),
    ("Cesária Évora", "Sodade", "Miss Perfumado", "1992-01-01", 292, 1, ["morna"]),
    ("Khruangbin", "Maria También", "Con Todo El Mundo", "2018-01-26", 190, 3, ["psychedelic soul"]),
    ("Bob Marley & The Wailers", "Redemption Song", "Uprising", "1980-06-10", 229, 10, ["reggae"]),
    ("Boards of Canada", "Roygbiv", "Music Has the Right to Children", "1998-04-20", 151, 9,
     ["ambient", "electronic"]),
    ("Aphex Twin", "Xtal", "Selected Ambient Works 85-92", "1992-11-09", 291, 1, ["ambient", "electronic"]),
    ("Burial", "Archangel", "Untrue", "2007-11-05", 238, 2, ["dubstep", "electronic"]),
    ("Jamie xx", "Gosh", "In Colour", "2015-05-29", 291, 1, ["electronic"]),
    ("Robyn", "Dancing on My Own", "Body Talk", "2010-11-22", 288, 3, ["electropop"]),
    ("Lorde", "Green Light", "Melodrama", "2017-06-16", 234, 1, ["electropop"]),
    ("Billie Eilish", "bad guy", "WHEN WE ALL FALL ASLEEP, WHERE DO WE GO?", "2019-03-29", 194, 2,
     ["electropop"]),
]
EXPLICIT = {"N.Y. State of Mind", "Alright", "DNA.", "Ms. Jackson"}
N_LISTENS = 200
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def made_up_id(*parts):
    """22 characters, as Spotify's ids look; taken from a hash, so they name nothing there."""
    number = int.from_bytes(hashlib.sha256("|".join(parts).encode()).digest(), "big")
    text = ""
    for _ in range(22):
        number, digit = divmod(number, 62)
        text += LETTERS[digit]
    return text


def links(kind, ident):
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{ident}"},
        "href": f"https://api.spotify.com/v1/{kind}s/{ident}",
        "id": ident,
        "type": kind,
        "uri": f"spotify:{kind}:{ident}",
    }


def artist_object(name, genres=None):
    artist = {**links("artist", made_up_id("artist", name)), "name": name}
    if genres is not None:
        artist["genres"] = genres
    return artist


def track_object(song):
    name, title, album, released, seconds, number, genres = song
    rng = random.Random(f"{name}/{title}")
    cover = hashlib.sha256(f"{name}/{album}".encode()).hexdigest()[:40]
    return {
        "album": {
            "album_type": "album",
            "total_tracks": max(number, rng.randint(8, 16)),
            "available_markets": ["BE", "DE", "NL"],
            **links("album", made_up_id("album", name, album)),
            "images": [{"url": f"https://i.scdn.co/image/{cover}", "height": size, "width": size}
                       for size in (640, 300, 64)],
            "name": album,
            "release_date": released,
            "release_date_precision": "day",
            "artists": [artist_object(name)],
        },
        "artists": [artist_object(name, genres)],
        "available_markets": ["BE", "DE", "NL"],
        "disc_number": 1,
        "duration_ms": seconds * 1000 + rng.randint(0, 999),
        "explicit": title in EXPLICIT,
        # ZZ is no country's code, so these registrations can't be anybody's.
        "external_ids": {"isrc": f"ZZSLU26{rng.randint(0, 99999):05d}"},
        **links("track", made_up_id("track", name, title)),
        "name": title,
        "popularity": rng.randint(30, 90),
        "preview_url": None,
        "track_number": number,
        "is_local": False,
    }


def listens():
    """The newest first, as Spotify gives them: mornings, commutes and evenings of two weeks."""
    rng = random.Random("listens")
    playlist = made_up_id("playlist", "Onderweg")
    when = datetime.datetime(2026, 11, 2, 7, 18, 4, 871000, tzinfo=UTC)
    items = []
    while len(items) < N_LISTENS:
        for _ in range(rng.randint(3, 14)):
            song = rng.choice(SONGS)
            track = track_object(song)
            context = None
            if rng.random() < 0.7:
                context = {"type": "playlist",
                           "href": f"https://api.spotify.com/v1/playlists/{playlist}",
                           "external_urls": {"spotify": f"https://open.spotify.com/playlist/{playlist}"},
                           "uri": f"spotify:playlist:{playlist}"}
            items.append({"track": track,
                          "played_at": when.strftime("%Y-%m-%dT%H:%M:%S.")
                                       + f"{when.microsecond // 1000:03d}Z",
                          "context": context})
            when -= datetime.timedelta(milliseconds=track["duration_ms"] + rng.randint(200, 9000))
        when -= datetime.timedelta(hours=rng.choice([3, 8, 10]), minutes=rng.randint(0, 59))
    return items[:N_LISTENS]


def write_lines(path, head, items, tail):
    """One item a line: small to read, and small in a diff."""
    lines = ",\n".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in items)
    path.write_text(f"{head}\n{lines}\n{tail}\n", encoding="utf-8")


def main():
    FOLDER.mkdir(exist_ok=True)
    features = [feature for user, person in PEOPLE.items() for feature in positions_of(user, person)]
    write_lines(FOLDER / "positions.json", '{"type":"FeatureCollection","features":[', features, "]}")
    write_lines(FOLDER / "listens.json", '{"items":[', listens(), "]}")


if __name__ == "__main__":
    main()
