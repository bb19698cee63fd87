/*
 * session.h - who is signed in at the page, and which links are out by which somebody may sign in
 *
 * Shape   a link is made for a subject and works once, for LINK_MS; looking at it does not spend
 *         it. Spending it opens a session, which ends IDLE_MS after its last use, AGE_MAX_MS after
 *         it began, when it is revoked, or with the process: nothing of it is ever on disk
 * Secrets a link's token and a session's are 256 random bits; only their SHA-256 is kept. The CSRF
 *         token is another 256 bits, given out to who has the session alone
 * Threads any; a lock inside
 * Owns    two tables of fixed size. A full one forgets what would end first
 */
#ifndef SLUIS_EDGE_PAGE_SESSION_H
#define SLUIS_EDGE_PAGE_SESSION_H

#include "base/err.h"
#include "base/slice.h"

enum {
    SESSION_TOKEN_CHARS = 43, /* base64url of 256 bits */
    SESSION_SUBJECT_BYTES = 16,
    SESSION_LINK_MS = 5 * 60 * 1000,
    SESSION_IDLE_MS = 15 * 60 * 1000,
    SESSION_AGE_MAX_MS = 12 * 60 * 60 * 1000,
    SESSION_LINKS_MAX = 256,
    SESSIONS_MAX = 1024,
};

/* A copy of what is known of a session; times are the monotonic clock's, in ms. */
struct session {
    uint64_t number; /* names it to its owner; not a secret */
    uint8_t subject[SESSION_SUBJECT_BYTES];
    int64_t began_ms, used_ms;
    char csrf[SESSION_TOKEN_CHARS + 1];
};

struct session_table;

SL_NODISCARD enum sl_err session_table_new(struct session_table **out);
/* Wipes it. */
void session_table_free(struct session_table *table);
SL_DEFINE_AUTO(session_table, session_table_free)

/* A link's token, NUL-terminated. */
SL_NODISCARD enum sl_err session_link_new(struct session_table *table,
                                          const uint8_t subject[SESSION_SUBJECT_BYTES],
                                          int64_t now_ms, char token[SESSION_TOKEN_CHARS + 1]);
/* Whether it would still open a session; it stays as it is. */
bool session_link_holds(struct session_table *table, struct slice token, int64_t now_ms);
/*
 * Spends the link and opens a session; `token` is then the session's, and nobody else is ever told
 * it. False: no such link, or not any more.
 */
bool session_open(struct session_table *table, struct slice link, int64_t now_ms,
                  char token[SESSION_TOKEN_CHARS + 1], struct session *out);
/* The session of this token, which was used just now. */
bool session_use(struct session_table *table, struct slice token, int64_t now_ms,
                 struct session *out);
/* Ends one of the subject's sessions, by its number; false when there is none. */
bool session_end(struct session_table *table, const uint8_t subject[SESSION_SUBJECT_BYTES],
                 uint64_t number);
/* Ends all of them, and takes back the links that are out. */
void session_end_all(struct session_table *table, const uint8_t subject[SESSION_SUBJECT_BYTES]);
/* Copies up to `max` of the subject's sessions that hold, in no order; returns how many. */
size_t session_list(struct session_table *table, const uint8_t subject[SESSION_SUBJECT_BYTES],
                    int64_t now_ms, struct session *out, size_t max);

#endif
