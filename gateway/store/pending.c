/*
 * pending.c - receipts of changes that the ledger may not hold yet
 *
 * A change is committed here first, with what its receipt needs, and its receipt follows. After a
 * crash between the two, start-up writes the receipt that is missing. Which ones are missing is a
 * matter of counting: one thread commits the changes and writes their receipts in the same order,
 * so a ledger with n receipts of changes holds those of the first n.
 *
 *     changes   1  2  3  4  5  6          counted in `meta`
 *     ledger    r  .  r  .  r  r          4 receipts among all others: those of 1 to 4
 *     pending               n  n          5 and 6 are to be written; a note up to 4 is done
 *
 * A receipt that became durable needs no transaction of its own: its note is deleted together with
 * the next change, see write.c. If the process ends before that, start-up sees that it is done.
 */
#include "store/env.h"

bool pending_is_done(struct store *store, uint64_t number)
{
    STORE_LOCK(store);
    return number <= store->n_durable;
}

int pending_put(struct store *store, MDB_txn *txn, uint64_t number, struct slice note)
{
    uint8_t bytes[RECORD_NUMBER_BYTES];
    record_number_write(number, bytes);
    MDB_val key = {sizeof bytes, bytes};
    MDB_val value = val_of(note);
    return mdb_put(txn, store->now->pending, &key, &value, MDB_APPEND);
}

int pending_forget(struct store *store, MDB_txn *txn)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, store->now->pending, &cursor);
    if (code != 0)
        return code;
    MDB_val key, value;
    uint64_t number;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST)) == 0) {
        if (!record_number_read(slice_of_val(key), &number))
            code = MDB_CORRUPTED;
        else if (number <= store->n_durable)
            code = mdb_cursor_del(cursor, 0);
        else
            break;
        if (code != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

enum sl_err store_pending_done(struct store *store, uint64_t n_changes, bool now)
{
    STORE_LOCK(store);
    if (n_changes > store->n_durable)
        store->n_durable = n_changes;
    if (!now)
        return SL_OK;
    SL_AUTO(MDB_txn) txn = NULL;
    int code = write_begin(store, &txn);
    if (code == 0)
        code = write_commit(store, &txn);
    return code == 0 ? SL_OK : store_fail(store, code, "note that a receipt is durable");
}
