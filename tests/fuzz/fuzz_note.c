/*
 * fuzz_note.c - signed notes, verifier keys and checkpoints
 *
 * The first byte says which. A note that verifies was signed: the key's only known note is in the
 * corpus, so the text must be that one. A key or checkpoint that is accepted has one text.
 */
#include "ledger/checkpoint.h"
#include "ledger/note.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of the documentation of golang.org/x/mod/sumdb/note, as in the unit test. */
static const char vkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char only_text[] = "If you think cryptography is the answer to your problem,\n"
                                "then you don't know what your problem is.\n";

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void try_note(struct slice note)
{
    static struct note_verifier *verifier;
    if (!verifier && note_verifier_new(slice_of_str(vkey), &verifier) != SL_OK)
        abort();
    struct slice text;
    size_t n_signatures = 0;
    if (note_verify(verifier, note, &text, &n_signatures) != NOTE_VALID)
        return;
    require(slice_equals_str(text, only_text));
    require(text.p == note.p && note.p[text.n] == '\n');
    require(n_signatures >= 1 && n_signatures <= NOTE_SIGNATURES_MAX);
}

static void try_vkey(struct slice text)
{
    SL_AUTO(note_verifier) verifier = NULL;
    if (note_verifier_new(text, &verifier) != SL_OK)
        return;
    struct slice name = note_verifier_name(verifier);
    require(note_name_is_valid(name));
    require(text.n == name.n + 1 + 8 + 1 + 44 && memcmp(text.p, name.p, name.n) == 0);
}

static void try_checkpoint(struct slice text)
{
    struct checkpoint checkpoint;
    if (checkpoint_parse(text, &checkpoint) != SL_OK)
        return;
    uint8_t *again = malloc(text.n);
    require(again != NULL);
    struct writer writer = writer_over(again, text.n);
    write_checkpoint(&writer, &checkpoint);
    require(!writer.overflow && slice_equals(writer_slice(&writer), text));
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice rest = slice_of(data + 1, size - 1);
    switch (data[0]) {
    case 'n':
        try_note(rest);
        break;
    case 'k':
        try_vkey(rest);
        break;
    case 'c':
        try_checkpoint(rest);
        break;
    default:
        break;
    }
    return 0;
}
