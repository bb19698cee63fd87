/*
 * remote.h - a ledger that is served as tlog-tiles, asked over HTTP
 *
 * Shape   the checkpoint is fetched first, and must be signed; from its size follows which tiles
 *         there are. Every hash and every receipt is proven to lead to its root (ledger_reader.h)
 *         before it is used.
 * Trust   the key
 */
#ifndef SLUIS_AUDIT_REMOTE_H
#define SLUIS_AUDIT_REMOTE_H

#include "ledger.h"
#include "ledger/ledger_reader.h"

struct remote;

/* Does `text` name a log to be read over HTTP, and not a folder? */
bool remote_is_url(const char *text);
/* Is it an address? An exit code; what is wrong with it has been said. */
SL_NODISCARD int remote_check_url(const struct cli *cli, const char *url);
/* Of a source that is_remote. SLUIS_VERIFY_VALID: *out is set; else `problem` says why not. */
SL_NODISCARD enum sluis_verify_result remote_open(const struct ledger_source *source,
                                                  struct ledger_problem *problem,
                                                  struct remote **out);
void remote_free(struct remote *remote);
SL_DEFINE_AUTO(remote, remote_free)

struct ledger_reader *remote_reader(struct remote *remote);
const struct ledger_head *remote_head(const struct remote *remote);
/* The checkpoint as it was served, with all its signatures. */
struct slice remote_note(const struct remote *remote);
/* The place among the given keys, from 0, of the one that signed it. */
size_t remote_key(const struct remote *remote);
const char *remote_origin(const struct remote *remote);
/* What is served, for ledger_say_not_there(). */
void remote_describe(const struct remote *remote, struct ledger_source *source);
/* After the reader failed: is something wrong there, or could it not be asked? */
enum sluis_verify_result remote_result(const struct remote *remote);

/* The list of an epoch, of so many bytes at most; nothing of it is checked. A log of tiles only has
 * none: *is_there is false then. */
enum sluis_verify_result remote_fetch_heads(struct remote *remote, uint64_t epoch, uint64_t n_bytes,
                                            struct slice *body, bool *is_there,
                                            struct ledger_problem *problem);

/* remote_walk.c: as ledger_walk(): every receipt, proven, and the one checkpoint after the last. */
enum sluis_verify_result remote_walk(struct ledger_source *source,
                                     const struct ledger_visitor *visitor,
                                     struct sluis_verify_report *report);

#endif
