/*
 * first_key.c - the signature line of the first batch's checkpoint, against a list of keys
 */
#include "ledger/first_key.h"

#include "ledger/note_lines.h"
#include "ledger/walk.h"

#include <string.h>

static enum first_key compare(const struct vkey_list *keys, struct slice note, size_t *place,
                              uint8_t id[NOTE_KEY_ID_BYTES])
{
    struct note_lines lines;
    struct note_line line;
    enum first_key found = FIRST_KEY_UNKNOWN;
    if (!note_lines_open(note, &lines))
        return FIRST_KEY_UNKNOWN;
    while (note_lines_next(&lines, &line) == NOTE_LINE) {
        if (!slice_equals(line.name, vkey_list_name(keys)))
            continue;
        for (size_t i = 0; i < keys->n; i++) {
            if (memcmp(keys->keys[i].id, line.key_id, sizeof line.key_id) == 0) {
                *place = i;
                return FIRST_KEY_GIVEN;
            }
        }
        memcpy(id, line.key_id, sizeof line.key_id);
        found = FIRST_KEY_OTHER;
    }
    return found;
}

enum first_key first_key_find(const char *folder, const struct vkey_list *keys, size_t *place,
                              uint8_t id[NOTE_KEY_ID_BYTES])
{
    SL_AUTO(note_verifier) verifier = NULL;
    struct walk walk;
    struct batch batch;
    char vkey[NOTE_VKEY_BYTES_MAX];
    struct writer writer = writer_over(vkey, sizeof vkey);
    write_vkey(&writer, keys->keys[0].name, keys->keys[0].key);
    if (note_verifier_new(writer_slice(&writer), &verifier) != SL_OK)
        return FIRST_KEY_UNKNOWN;
    enum first_key found = FIRST_KEY_UNKNOWN;
    if (walk_open(&walk, folder, verifier, NULL) == SL_OK) {
        walk_read_only_form(&walk);
        if (walk_next(&walk, &batch) == WALK_BATCH)
            found = compare(keys, batch.checkpoint, place, id);
    }
    walk_close(&walk);
    return found;
}

enum first_key first_key_put_first(const char *folder, struct vkey_list *keys,
                                   uint8_t id[NOTE_KEY_ID_BYTES])
{
    size_t place = 0;
    enum first_key found = first_key_find(folder, keys, &place, id);
    struct vkey first = keys->keys[place];
    keys->keys[place] = keys->keys[0];
    keys->keys[0] = first;
    return found;
}
