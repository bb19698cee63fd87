/*
 * subject_bytes.c - what of a subject no tool prints: for tests that look for it in files
 *
 *     subject_bytes STORE KEY_FILE NAME      {"id": HEX, "key": HEX, "wrapped": HEX}
 */
#include "store/env.h"

#include <stdio.h>
#include <stdlib.h>

static void print_hex(const char *name, const uint8_t *bytes, size_t n, const char *end)
{
    printf("\"%s\": \"", name);
    for (size_t i = 0; i < n; i++)
        printf("%02x", bytes[i]);
    printf("\"%s", end);
}

int main(int argc, char **argv)
{
    SL_AUTO(store) store = NULL;
    SL_AUTO(store_reader) reader = NULL;
    SL_AUTO(MDB_txn) txn = NULL;
    struct store_problem problem = {"usage: subject_bytes STORE KEY_FILE NAME"};
    uint8_t id[STORE_SUBJECT_ID_BYTES], key[STORE_SUBJECT_KEY_BYTES], *copy = NULL;
    struct record_live live;
    bool found = false;
    if (argc != 4 || store_open(argv[1], argv[2], true, &problem, &store) != SL_OK ||
        store_reader_new(store, &reader) != SL_OK ||
        store_find(reader, slice_of_str(argv[3]), id, &found) != SL_OK || !found ||
        store_subject_key(reader, id, key) != SL_OK ||
        mdb_txn_begin(store->now->env, NULL, MDB_RDONLY, &txn) != 0 ||
        write_get_live(store->now, txn, id, &copy, &live) != 0) {
        fprintf(stderr, "%s\n", problem.text);
        return 1;
    }
    free(copy);
    printf("{");
    print_hex("id", id, sizeof id, ", ");
    print_hex("key", key, sizeof key, ", ");
    print_hex("wrapped", live.wrapped_key, sizeof live.wrapped_key, "}\n");
    return 0;
}
