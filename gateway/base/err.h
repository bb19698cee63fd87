/*
 * err.h - the few kinds of failure, and the macros that carry them
 *
 * A denial is not a failure: decide() succeeds with the effect "refuse". What is listed here are
 * the ways a step can fail to do its work. The edge turns them into HTTP in one table; the tools
 * turn them into exit codes in one table. Out parameters stay untouched on failure.
 */
#ifndef SLUIS_BASE_ERR_H
#define SLUIS_BASE_ERR_H

enum sl_err {
    SL_OK = 0,
    SL_EMALFORMED, /* bytes from outside break their format */
    SL_ELIMIT,     /* well-formed, but beyond a limit of limits.def */
    SL_EUPSTREAM,  /* the app answered wrongly, or not at all */
    SL_ETIMEOUT,   /* a deadline passed */
    SL_ESTORE,     /* LMDB, a segment or a key file failed */
    SL_EINTERNAL,  /* out of memory, or a library failed where it should not */
};

/* A short lower-case word for logs: "ok", "malformed", "limit", ... */
const char *sl_err_name(enum sl_err err);

#define SL_NODISCARD __attribute__((warn_unused_result))
#define SL_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))

/* Returns the error of `expr` from the calling function, if it has one. */
#define SL_TRY(expr)                                                                               \
    do {                                                                                           \
        enum sl_err sl_try_err = (expr);                                                           \
        if (sl_try_err != SL_OK)                                                                   \
            return sl_try_err;                                                                     \
    } while (0)

/*
 * Cleanup by attribute. SL_DEFINE_AUTO(tree, tree_free) beside tree_free(), then
 *     SL_AUTO(tree) t = NULL;
 * declares `struct tree *t` that is freed when it goes out of scope.
 */
#define SL_AUTO(type) __attribute__((cleanup(type##_auto_cleanup))) struct type *
#define SL_DEFINE_AUTO(type, free_fn)                                                              \
    static inline void type##_auto_cleanup(struct type **object)                                   \
    {                                                                                              \
        free_fn(*object);                                                                          \
    }

/* For our own bugs, always on. Never on input. */
#define SL_ASSERT(condition)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            sl_assert_failed(#condition, __FILE__, __LINE__);                                      \
    } while (0)
_Noreturn void sl_assert_failed(const char *condition, const char *file, int line);

#define SL_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
