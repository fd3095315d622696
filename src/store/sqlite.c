/* luaprov.sqlite: libsqlite3 for Lua. Moves values between the two; decides nothing but that a transaction of which a
 * statement has failed cannot be committed: on SQLite as on PostgreSQL. */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

#include "store/files.h"
#include "store/share.h"

#define DATABASE "luaprov.sqlite"

typedef struct {
  sqlite3 *handle; /* NULL: closed */
  sqlite3_stmt *statements[LP_STATEMENTS];
  int count;
  int known;   /* from a statement's text to its place above, from 1 on */
  bool within; /* a transaction that was begun and not ended */
  bool failed; /* a statement of it has */
} database;

static database *database_of(lua_State *L) {
  database *db = luaL_checkudata(L, 1, DATABASE);
  if (!db->handle) luaL_error(L, "this database is closed");
  return db;
}

/* ---- errors ---- */

static const char *name_of(int code) {
  static const char *const names[] = {
      [SQLITE_ERROR] = "ERROR",     [SQLITE_INTERNAL] = "INTERNAL", [SQLITE_PERM] = "PERM",
      [SQLITE_ABORT] = "ABORT",     [SQLITE_BUSY] = "BUSY",         [SQLITE_LOCKED] = "LOCKED",
      [SQLITE_NOMEM] = "NOMEM",     [SQLITE_READONLY] = "READONLY", [SQLITE_INTERRUPT] = "INTERRUPT",
      [SQLITE_IOERR] = "IOERR",     [SQLITE_CORRUPT] = "CORRUPT",   [SQLITE_FULL] = "FULL",
      [SQLITE_CANTOPEN] = "CANTOPEN", [SQLITE_PROTOCOL] = "PROTOCOL", [SQLITE_SCHEMA] = "SCHEMA",
      [SQLITE_TOOBIG] = "TOOBIG",   [SQLITE_CONSTRAINT] = "CONSTRAINT", [SQLITE_MISMATCH] = "MISMATCH",
      [SQLITE_MISUSE] = "MISUSE",   [SQLITE_NOLFS] = "NOLFS",       [SQLITE_AUTH] = "AUTH",
      [SQLITE_RANGE] = "RANGE",     [SQLITE_NOTADB] = "NOTADB"};
  unsigned primary = (unsigned)code & 0xff;
  const char *name = primary < sizeof names / sizeof *names ? names[primary] : NULL;
  return name ? name : "ERROR";
}

/* Why the system refused to read or write the file, or the log beside it; 0 where it did not. */
static int system_error(sqlite3 *handle) {
  int why = 0;
  sqlite3_file *log = NULL;
  sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (log && log->pMethods) log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &why);
  if (!why) sqlite3_file_control(handle, "main", SQLITE_FCNTL_LAST_ERRNO, &why);
  return why ? why : sqlite3_system_errno(handle);
}

/* What the last call of SQLite says of itself. */
static int refuse(lua_State *L, sqlite3 *handle) {
  int code = sqlite3_errcode(handle), primary = code & 0xff, system = 0;
  lua_pushnil(L);
  lua_pushstring(L, sqlite3_errmsg(handle));
  if (primary == SQLITE_IOERR || primary == SQLITE_FULL) system = system_error(handle);
  else if (primary == SQLITE_CANTOPEN) system = sqlite3_system_errno(handle);
  if (system)
    lua_pushfstring(L, "%s: %s", lua_tostring(L, -1), strerror(system)), lua_replace(L, -2);
  lua_pushstring(L, name_of(code));
  return 3;
}

static int fail(lua_State *L, database *db) {
  db->failed = db->within;
  return refuse(L, db->handle);
}

/* ---- statements ---- */

static void forget_statements(lua_State *L, database *db) {
  for (int i = 0; i < db->count; i++) sqlite3_finalize(db->statements[i]);
  db->count = 0;
  lp_known_free(L, db->known);
  db->known = LUA_NOREF;
}

/* Prepared once and kept; NULL where SQLite refuses it. */
static sqlite3_stmt *statement_of(lua_State *L, database *db, int text) {
  int number = lp_known_find(L, db->known, text);
  if (number) return db->statements[number - 1];
  size_t len;
  const char *sql = luaL_checklstring(L, text, &len), *rest;
  if (len > 1000000 || strlen(sql) != len) luaL_argerror(L, text, "no SQL statement");
  if (db->count == LP_STATEMENTS) {
    forget_statements(L, db);
    db->known = lp_known_new(L);
  }
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v3(db->handle, sql, (int)len + 1, SQLITE_PREPARE_PERSISTENT, &statement, &rest) != SQLITE_OK)
    return NULL;
  if (!statement) luaL_argerror(L, text, "no SQL statement");
  db->statements[db->count++] = statement; /* from here on it goes with the database */
  if (rest[strspn(rest, " \t\r\n;")]) luaL_argerror(L, text, "more than one SQL statement");
  lp_known_add(L, db->known, text, db->count);
  return statement;
}

/* The values lie on the Lua stack until the statement is reset. */
static int bind(sqlite3_stmt *statement, int place, const lp_param *param) {
  switch (param->type) {
  case LP_INTEGER:
    return sqlite3_bind_int64(statement, place, param->integer);
  case LP_NUMBER:
    return sqlite3_bind_double(statement, place, param->number);
  case LP_TEXT:
    return sqlite3_bind_text64(statement, place, param->text, param->len, SQLITE_STATIC, SQLITE_UTF8);
  case LP_BLOB:
    if (!param->len) return sqlite3_bind_zeroblob(statement, place, 0);
    return sqlite3_bind_blob64(statement, place, param->text, param->len, SQLITE_STATIC);
  default:
    return sqlite3_bind_null(statement, place);
  }
}

static void push_column(lua_State *L, void *result, int column) {
  sqlite3_stmt *statement = result;
  switch (sqlite3_column_type(statement, column)) {
  case SQLITE_INTEGER:
    lp_push_integer(L, sqlite3_column_int64(statement, column));
    break;
  case SQLITE_FLOAT:
    lua_pushnumber(L, sqlite3_column_double(statement, column));
    break;
  case SQLITE_TEXT: {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    lua_pushlstring(L, text ? text : "", (size_t)sqlite3_column_bytes(statement, column));
    break;
  }
  case SQLITE_BLOB: {
    const char *bytes = sqlite3_column_blob(statement, column);
    lua_pushlstring(L, bytes ? bytes : "", (size_t)sqlite3_column_bytes(statement, column));
    break;
  }
  default:
    lua_pushnil(L);
  }
}

static void reset(sqlite3_stmt *statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
}

/* The statement of argument 2, ready to be bound; NULL: what is to be returned lies on the stack, `answers` of it. */
static sqlite3_stmt *ready(lua_State *L, database *db, int *answers) {
  luaL_checkstring(L, 2);
  /* A full disk ends a transaction by itself: what follows must not count one by one. */
  if (db->within && (db->failed || sqlite3_get_autocommit(db->handle))) {
    *answers = lp_refuse(L, "a statement of this transaction has failed", "ABORT");
    return NULL;
  }
  sqlite3_stmt *statement = statement_of(L, db, 2);
  if (!statement) *answers = fail(L, db);
  else sqlite3_reset(statement); /* an error in Lua may have left it in the midst of its rows */
  return statement;
}

static int bind_all(sqlite3_stmt *statement, const lp_param *params, int count) {
  int code = SQLITE_OK;
  for (int i = 0; i < count && code == SQLITE_OK; i++) code = bind(statement, i + 1, &params[i]);
  return code;
}

/* db:query(sql, …) -> rows ({ column = value } each; NULL is nil), number of rows changed; or nil, message, code
 * The parameters are ?1, ?2 …, one argument each. */
static int query(lua_State *L) {
  database *db = database_of(L);
  lp_param params[LP_PARAMS];
  int answers, count = lp_read_params(L, 3, params);
  sqlite3_stmt *statement = ready(L, db, &answers);
  if (!statement) return answers;
  if (sqlite3_bind_parameter_count(statement) != count)
    return luaL_error(L, "%d values for %d parameters", count, sqlite3_bind_parameter_count(statement));
  int columns = sqlite3_column_count(statement);
  if (columns > LP_COLUMNS) return luaL_error(L, "more than %d columns", (int)LP_COLUMNS);
  luaL_checkstack(L, columns + 8, "columns");
  int names = lua_gettop(L) + 1;
  for (int i = 0; i < columns; i++) lua_pushstring(L, sqlite3_column_name(statement, i));
  lua_newtable(L);
  int code = bind_all(statement, params, count);
  if (code == SQLITE_OK) {
    int row = 0;
    int before = sqlite3_total_changes(db->handle);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
      lp_push_row(L, names, columns, push_column, statement);
      lua_rawseti(L, -2, ++row);
    }
    if (code == SQLITE_DONE) {
      reset(statement);
      lua_pushinteger(L, sqlite3_total_changes(db->handle) - before);
      return 2;
    }
  }
  answers = fail(L, db);
  reset(statement);
  return answers;
}

/* db:put(sql, values) -> number of rows changed; or nil, message, code
 * The same for a statement without rows; its parameters are values[1], values[2] … */
static int put(lua_State *L) {
  database *db = database_of(L);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  int answers;
  sqlite3_stmt *statement = ready(L, db, &answers);
  if (!statement) return answers;
  int count = sqlite3_bind_parameter_count(statement);
  if (sqlite3_column_count(statement)) return luaL_argerror(L, 2, "a statement with rows");
  luaL_checkstack(L, count, "parameters");
  for (int i = 1; i <= count; i++) lua_rawgeti(L, 3, i);
  lp_param params[LP_PARAMS];
  count = lp_read_params(L, 4, params);
  int before = sqlite3_total_changes(db->handle);
  if (bind_all(statement, params, count) == SQLITE_OK && sqlite3_step(statement) == SQLITE_DONE) {
    reset(statement);
    lua_pushinteger(L, sqlite3_total_changes(db->handle) - before);
    return 1;
  }
  answers = fail(L, db);
  reset(statement);
  return answers;
}

/* ---- transactions ---- */

static int run(database *db, const char *sql) { return sqlite3_exec(db->handle, sql, NULL, NULL, NULL); }

/* db:begin("write" or "read") -> true; or nil, message, code. One that writes waits here, and then for nobody. */
static int begin(lua_State *L) {
  static const char *const ways[] = {"write", "read", NULL};
  database *db = database_of(L);
  bool write = luaL_checkoption(L, 2, "write", ways) == 0;
  if (db->within) return luaL_error(L, "a transaction within a transaction");
  for (int i = 0; i < db->count; i++) sqlite3_reset(db->statements[i]);
  if (run(db, write ? "BEGIN IMMEDIATE" : "BEGIN") != SQLITE_OK) return fail(L, db);
  db->within = true;
  db->failed = false;
  lua_pushboolean(L, 1);
  return 1;
}

static void roll_back(database *db) {
  db->within = db->failed = false;
  if (!sqlite3_get_autocommit(db->handle)) run(db, "ROLLBACK");
}

/* db:commit() -> true; or nil, message, code, and nothing of the transaction is there ("IOERR": perhaps all of it) */
static int commit(lua_State *L) {
  database *db = database_of(L);
  if (!db->within) return luaL_error(L, "no transaction to commit");
  if (db->failed || sqlite3_get_autocommit(db->handle)) {
    roll_back(db);
    return lp_refuse(L, "a statement of this transaction has failed", "ABORT");
  }
  if (run(db, "COMMIT") != SQLITE_OK) {
    int answers = refuse(L, db->handle);
    roll_back(db);
    return answers;
  }
  db->within = false;
  lua_pushboolean(L, 1);
  return 1;
}

/* db:rollback() -> true, whether there is a transaction or not */
static int rollback(lua_State *L) {
  roll_back(database_of(L));
  lua_pushboolean(L, 1);
  return 1;
}

/* ---- a userdata's life: made closed, filled afterwards ---- */

static int close_database(lua_State *L) {
  database *db = luaL_checkudata(L, 1, DATABASE);
  sqlite3 *handle = db->handle;
  db->handle = NULL;
  forget_statements(L, db);
  sqlite3_close_v2(handle);
  return 0;
}

static int describe(lua_State *L) {
  const database *db = luaL_checkudata(L, 1, DATABASE);
  lua_pushstring(L, db->handle ? DATABASE ": open" : DATABASE ": closed");
  return 1;
}

static const char *path_at(lua_State *L, int index) {
  size_t len;
  const char *path = luaL_checklstring(L, index, &len);
  luaL_argcheck(L, len && strlen(path) == len, index, "no path");
  return path;
}

static int flags_at(lua_State *L, int index) {
  if (lua_type(L, index) == LUA_TSTRING) return SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
  return SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (lua_toboolean(L, index) ? SQLITE_OPEN_CREATE : 0);
}

/* open(path, create, busy) -> database, or nil, message, code
 * create: whether to make the file where there is none, or "read": the path is a URI, of a file that is only read;
 * busy: seconds to wait for another writer */
static int make(lua_State *L) {
  const char *path = path_at(L, 1);
  int flags = flags_at(L, 2);
  lua_Number busy = luaL_optnumber(L, 3, 10);
  luaL_argcheck(L, busy >= 0 && busy <= 86400, 3, "no number of seconds");
  database *db = lua_newuserdata(L, sizeof *db);
  memset(db, 0, sizeof *db);
  db->known = LUA_NOREF;
  luaL_getmetatable(L, DATABASE);
  lua_setmetatable(L, -2);
  db->known = lp_known_new(L);
  sqlite3 *handle = NULL;
  int code = sqlite3_open_v2(path, &handle, flags, NULL);
  if (!handle) return lp_refuse(L, sqlite3_errstr(code), name_of(code));
  db->handle = handle;
  if (code == SQLITE_OK) code = sqlite3_busy_timeout(handle, (int)(busy * 1000));
  /* A file may be anybody's: what is written in it must not run, nor be believed. */
  if (code == SQLITE_OK) code = sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  if (code == SQLITE_OK) code = sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  if (code == SQLITE_OK) code = run(db, "PRAGMA cell_size_check = ON");
  if (code == SQLITE_OK) code = run(db, "PRAGMA synchronous = FULL");
  if (code == SQLITE_OK) return 1;
  int answers = refuse(L, handle);
  db->handle = NULL;
  forget_statements(L, db);
  sqlite3_close_v2(handle);
  return answers;
}

/* ---- files.h ---- */

static int done(lua_State *L, int why) {
  lua_pushboolean(L, 1);
  const char *code = why == EEXIST ? "EEXIST" : why == ENOENT ? "ENOENT" : "CANTOPEN";
  return why ? lp_refuse(L, strerror(why), code) : 1;
}

/* size(path) -> bytes; or nil, why, "ENOENT" where that is why */
static int size_of(lua_State *L) {
  int64_t size;
  int why = lp_file_size(path_at(L, 1), &size);
  if (why) return done(L, why);
  lua_pushnumber(L, (lua_Number)size);
  return 1;
}

/* make_folder(path), publish(from, to) -> true; or nil, why, "EEXIST" where that is why */

static int make_folder(lua_State *L) { return done(L, lp_make_folder(path_at(L, 1))); }
static int publish(lua_State *L) { return done(L, lp_publish(path_at(L, 1), path_at(L, 2))); }

/* sweep(prefix, seconds): files that were made under a name of chance after the prefix go, if they are that old */
static int sweep(lua_State *L) {
  lp_sweep(path_at(L, 1), luaL_checknumber(L, 2));
  return 0;
}

__attribute__((visibility("default"))) int luaopen_luaprov_sqlite(lua_State *L);

int luaopen_luaprov_sqlite(lua_State *L) {
  static const lp_entry methods[] = {{"query", query},       {"put", put},           {"begin", begin},
                                     {"commit", commit},     {"rollback", rollback}, {"close", close_database},
                                     {NULL, NULL}};
  static const lp_entry meta[] = {
      {"__gc", close_database}, {"__close", close_database}, {"__tostring", describe}, {NULL, NULL}};
  static const lp_entry functions[] = {
      {"open", make},       {"size", size_of}, {"make_folder", make_folder},
      {"publish", publish}, {"sweep", sweep},  {NULL, NULL}};
  lp_set_kind(L, DATABASE, methods, meta);
  lua_newtable(L);
  lp_set_functions(L, functions);
  return 1;
}
