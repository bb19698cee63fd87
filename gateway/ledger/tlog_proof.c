/*
 * tlog_proof.c - proofs as text, each with one spelling
 */
#include "ledger/tlog_proof.h"

#include "base/base64.h"
#include "base/reader.h"

static const char first_line[] = "c2sp.org/tlog-proof@v1";

enum { GROWTH_HASHES_MAX = 63 };

static void write_hashes(struct writer *out, const struct proof *proof)
{
    for (size_t i = 0; i < proof->n_hashes; i++) {
        write_base64(out, slice_of(proof->hashes[i], SHA256_BYTES));
        write_str(out, "\n");
    }
    write_str(out, "\n");
}

/* Up to and with the empty line. */
static enum sl_err read_hashes(struct reader *reader, size_t n_max, struct proof *proof)
{
    for (;;) {
        struct slice line = read_until(reader, '\n');
        if (reader->bad)
            return SL_EMALFORMED;
        if (line.n == 0)
            return SL_OK;
        if (proof->n_hashes == n_max ||
            !base64_decode(line, proof->hashes[proof->n_hashes], SHA256_BYTES))
            return SL_EMALFORMED;
        proof->n_hashes++;
    }
}

/* "<word> <decimal>" */
static bool number_parse(struct slice line, const char *word, uint64_t *number)
{
    size_t n_word = slice_of_str(word).n;
    return slice_starts_with_str(line, word) &&
           slice_to_u64(slice_of(line.p + n_word, line.n - n_word), UINT64_MAX, number);
}

/* The rest: a note, which ends in a line feed. */
static bool checkpoint_follows(struct reader *reader, struct slice *checkpoint)
{
    *checkpoint = read_bytes(reader, reader_left(reader));
    return checkpoint->n > 0 && checkpoint->n <= NOTE_BYTES_MAX &&
           checkpoint->p[checkpoint->n - 1] == '\n';
}

/* -------------------------------------------------------------------------- tlog-proof files -- */

static bool extra_is_valid(struct slice extra)
{
    uint8_t decoded[TLOG_PROOF_EXTRA_BYTES_MAX];
    size_t n = 0;
    return base64_decode_any(extra, decoded, sizeof decoded, &n) && n > 0;
}

enum sl_err tlog_proof_write(const struct tlog_proof *proof, struct writer *out)
{
    if (proof->extra.n > 0 && !extra_is_valid(proof->extra))
        return SL_EMALFORMED;
    write_str(out, first_line);
    write_str(out, "\n");
    if (proof->extra.n > 0) {
        write_str(out, "extra ");
        write_bytes(out, proof->extra);
        write_str(out, "\n");
    }
    write_str(out, "index ");
    write_decimal(out, proof->index);
    write_str(out, "\n");
    write_hashes(out, &proof->proof);
    write_bytes(out, proof->checkpoint);
    return out->overflow ? SL_ELIMIT : SL_OK;
}

enum sl_err tlog_proof_parse(struct slice text, struct tlog_proof *out)
{
    if (text.n > TLOG_PROOF_BYTES_MAX)
        return SL_ELIMIT;
    struct reader reader = reader_over(text);
    struct tlog_proof proof = {0};
    if (!slice_equals_str(read_until(&reader, '\n'), first_line))
        return SL_EMALFORMED;
    struct slice line = read_until(&reader, '\n');
    if (slice_starts_with_str(line, "extra ")) {
        proof.extra = slice_of(line.p + 6, line.n - 6);
        if (!extra_is_valid(proof.extra))
            return SL_EMALFORMED;
        line = read_until(&reader, '\n');
    }
    if (!number_parse(line, "index ", &proof.index))
        return SL_EMALFORMED;
    SL_TRY(read_hashes(&reader, PROOF_INCLUSION_HASHES_MAX, &proof.proof));
    if (!checkpoint_follows(&reader, &proof.checkpoint))
        return SL_EMALFORMED;
    *out = proof;
    return SL_OK;
}

/* ------------------------------------------------------------------------------------ growth -- */

enum sl_err tlog_growth_write(const struct tlog_growth *growth, struct writer *out)
{
    if (growth->proof.n_hashes > GROWTH_HASHES_MAX)
        return SL_ELIMIT;
    write_str(out, "old ");
    write_decimal(out, growth->old_size);
    write_str(out, "\n");
    write_hashes(out, &growth->proof);
    write_bytes(out, growth->checkpoint);
    return out->overflow ? SL_ELIMIT : SL_OK;
}

enum sl_err tlog_growth_parse(struct slice text, struct tlog_growth *out)
{
    if (text.n > TLOG_PROOF_BYTES_MAX)
        return SL_ELIMIT;
    struct reader reader = reader_over(text);
    struct tlog_growth growth = {0};
    if (!number_parse(read_until(&reader, '\n'), "old ", &growth.old_size))
        return SL_EMALFORMED;
    SL_TRY(read_hashes(&reader, GROWTH_HASHES_MAX, &growth.proof));
    if (!checkpoint_follows(&reader, &growth.checkpoint))
        return SL_EMALFORMED;
    *out = growth;
    return SL_OK;
}
