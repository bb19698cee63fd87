/*
 * people.c - makes subjects, and looks for them by all that is theirs
 */
#include "people.h"

#include "raw.h"
#include "store/env.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const apps[] = {"waze", "spotify"};

static size_t text_of(const struct person *person, const char *what, uint64_t version,
                      char text[64])
{
    return (size_t)snprintf(text, 64, "%s of %s, version %u", what, person->name,
                            (unsigned)version);
}

static size_t user_of(const struct person *person, size_t app, char user[64])
{
    return (size_t)snprintf(user, 64, "%s-at-%s", person->name, apps[app]);
}

static void make_key_file(struct fixture *fixture, uint8_t kek[32])
{
    SL_ASSERT(RAND_bytes(kek, 32) == 1);
    int fd = open(fixture->key, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    SL_ASSERT(fd >= 0 && write(fd, kek, 32) == 32);
    close(fd);
}

static void read_keys(struct store *store, struct person *person)
{
    SL_AUTO(store_reader) reader = NULL;
    SL_ASSERT(store_reader_new(store, &reader) == SL_OK);
    SL_ASSERT(store_subject_key(reader, person->id, person->key) == SL_OK);
    SL_AUTO(MDB_txn) txn = NULL;
    struct record_live live;
    uint8_t *copy = NULL;
    SL_ASSERT(mdb_txn_begin(store->now->env, NULL, MDB_RDONLY, &txn) == 0);
    SL_ASSERT(write_get_live(store->now, txn, person->id, &copy, &live) == 0);
    memcpy(person->wrapped, live.wrapped_key, sizeof person->wrapped);
    free(copy);
}

/* What the person's consent is used for. */
static struct store_allowance drives_of(const struct person *person)
{
    return (struct store_allowance){.owner =
                                        store_owner_of_consent(person->id, slice_of_str("drive")),
                                    .start_s = 86400,
                                    .end_s = 2 * 86400,
                                    .at_most = PERSON_USES,
                                    .n_uses = 1};
}

static bool drives_are(struct store_reader *reader, const struct person *person, uint32_t n)
{
    struct store_allowance allowance = drives_of(person);
    return store_uses_read(reader, &allowance, 1) == SL_OK && allowance.n_used == n;
}

static void make_person(struct store *store, struct person *person)
{
    char yaml[64], blob[64], user[64];
    for (uint64_t version = 0; version < PERSON_VERSIONS; version++) {
        struct store_change change = fixture_change(person->name, person->id, version, yaml, blob);
        change.yaml = slice_of(yaml, text_of(person, "yaml", version + 1, yaml));
        change.blob = slice_of(blob, text_of(person, "blob", version + 1, blob));
        SL_ASSERT(store_put_policy(store, &change, NULL) == SL_OK);
    }
    for (size_t i = 0; i < SL_LENGTH(apps); i++)
        SL_ASSERT(store_set_account(store, person->id, slice_of_str(apps[i]),
                                    slice_of(user, user_of(person, i, user)), NULL) == SL_OK);
    for (uint32_t i = 0; i < PERSON_USES; i++) {
        struct store_allowance allowance = drives_of(person);
        SL_ASSERT(store_charge(store, allowance.start_s, &allowance, 1) == SL_OK);
    }
    SL_ASSERT(store_batch_commit(store) == SL_OK);
    read_keys(store, person);
}

void people_make(struct fixture *fixture, uint8_t kek[32], struct person people[PEOPLE])
{
    make_key_file(fixture, kek);
    fixture_open(fixture);
    for (size_t i = 0; i < PEOPLE; i++) {
        snprintf(people[i].name, sizeof people[i].name, "person-%02u.", (unsigned)i);
        store_new_id(people[i].id);
        make_person(fixture->store, &people[i]);
    }
}

enum sl_err person_erase(struct store *store, const struct person *person)
{
    uint64_t number;
    struct store_erasure erasure = {.expected_version = PERSON_VERSIONS,
                                    .pending = slice_of_str("the last receipt")};
    memcpy(erasure.id, person->id, sizeof erasure.id);
    return store_erase(store, &erasure, &number);
}

static bool versions_are_there(struct store_reader *reader, const struct person *person)
{
    char yaml[64], blob[64];
    struct store_version version;
    bool found = false;
    for (uint64_t v = 1; v <= PERSON_VERSIONS; v++) {
        if (store_version_get(reader, person->id, v, &version, &found) != SL_OK || !found ||
            !slice_equals(version.yaml, slice_of(yaml, text_of(person, "yaml", v, yaml))) ||
            !slice_equals(version.blob, slice_of(blob, text_of(person, "blob", v, blob))))
            return false;
    }
    return store_version_get(reader, person->id, PERSON_VERSIONS + 1, &version, &found) == SL_OK &&
           !found;
}

bool person_is_there(struct store *store, const struct person *person)
{
    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    uint8_t id[16], key[32];
    bool found = false;
    SL_ASSERT(store_reader_new(store, &reader) == SL_OK);
    if (store_find(reader, slice_of_str(person->name), id, &found) != SL_OK || !found ||
        memcmp(id, person->id, sizeof id) != 0 || !versions_are_there(reader, person) ||
        store_subject_key(reader, id, key) != SL_OK || memcmp(key, person->key, sizeof key) != 0 ||
        store_read(reader, id, &subject) != SL_OK || subject.version != PERSON_VERSIONS ||
        !drives_are(reader, person, PERSON_USES))
        return false;
    for (size_t i = 0; i < SL_LENGTH(apps); i++) {
        char user[64];
        if (!slice_equals(store_account(&subject, slice_of_str(apps[i])),
                          slice_of(user, user_of(person, i, user))))
            return false;
    }
    return true;
}

bool person_is_gone(struct store *store, const struct person *person)
{
    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    struct store_version version;
    uint8_t id[16], key[32];
    bool found = true;
    SL_ASSERT(store_reader_new(store, &reader) == SL_OK);
    if (store_find(reader, slice_of_str(person->name), id, &found) != SL_OK || found ||
        store_subject_key(reader, person->id, key) != SL_EMALFORMED ||
        store_read(reader, person->id, &subject) != SL_OK || subject.found ||
        !drives_are(reader, person, 0))
        return false;
    for (uint64_t v = 0; v <= PERSON_VERSIONS + 1; v++)
        if (store_version_get(reader, person->id, v, &version, &found) != SL_OK || found)
            return false;
    return true;
}

bool person_is_in_files(const char *folder, const struct person *person)
{
    char text[64];
    if (raw_holds(folder, slice_of_str(person->name)) ||
        raw_holds(folder, slice_of(person->id, sizeof person->id)) ||
        raw_holds(folder, slice_of(person->key, sizeof person->key)) ||
        raw_holds(folder, slice_of(person->wrapped, sizeof person->wrapped)))
        return true;
    for (size_t i = 0; i < SL_LENGTH(apps); i++)
        if (raw_holds(folder, slice_of(text, user_of(person, i, text))))
            return true;
    for (uint64_t v = 1; v <= PERSON_VERSIONS; v++)
        if (raw_holds(folder, slice_of(text, text_of(person, "yaml", v, text))) ||
            raw_holds(folder, slice_of(text, text_of(person, "blob", v, text))))
            return true;
    return false;
}
