/*
 * exit_code.c - the table from failures to exit codes
 */
#include "common/exit_code.h"

#include <errno.h>

int exit_code_of(enum sl_err err)
{
    static const int codes[] = {
        [SL_OK] = EX_OK,
        [SL_EMALFORMED] = EX_DATAERR,
        [SL_ELIMIT] = EX_DATAERR,
        [SL_EUPSTREAM] = EX_UNAVAILABLE,
        [SL_ETIMEOUT] = EX_TEMPFAIL,
        [SL_ESTORE] = EX_IOERR,
        [SL_EINTERNAL] = EX_SOFTWARE,
    };
    SL_ASSERT((unsigned)err < SL_LENGTH(codes));
    return codes[err];
}

int exit_code_of_errno(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
        return EX_NOINPUT;
    case EACCES:
    case EPERM:
        return EX_NOPERM;
    case EAGAIN:
    case EMFILE:
    case ENFILE:
        return EX_TEMPFAIL;
    default:
        return EX_IOERR;
    }
}
