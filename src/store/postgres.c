/* luaprov.postgres: libpq for Lua. Moves values between the two; decides nothing. What it says of an error holds no
 * password, and nothing of a statement's values but what the server repeats in one line. */
#include <lauxlib.h>
#include <libpq-fe.h>
#include <locale.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/share.h"
#include "store/url.h"

#define DATABASE "luaprov.postgres"

enum { NAME = 16, DIGITS = 40 };

typedef struct {
  PGconn *connection; /* NULL: closed */
  PGresult *result;   /* what is being read; here, so that an error in Lua does not lose it */
  locale_t plain;     /* numbers with a point, whatever the program's locale */
  int count;          /* of the statements that are prepared; they are called s1, s2 … */
  int known;          /* from a statement's text to its number */
  bool within;        /* a transaction that was begun and not ended */
  bool failed;        /* in it, before the server was asked */
} database;

static database *database_of(lua_State *L) {
  database *db = luaL_checkudata(L, 1, DATABASE);
  if (!db->connection) luaL_error(L, "this database is closed");
  return db;
}

static void drop_result(database *db) {
  PQclear(db->result);
  db->result = NULL;
}

/* ---- errors ---- */

/* Pushes a message as one line, with `<secret>` where the password stood. */
static void push_message(lua_State *L, const database *db, const char *message) {
  luaL_Buffer line;
  luaL_buffinit(L, &line);
  size_t len = message ? strlen(message) : 0;
  while (len && strchr(" \t\r\n", message[len - 1])) len--;
  for (size_t i = 0; i < len; i++) {
    bool blank = strchr(" \t\r\n", message[i]);
    if (blank && i && strchr(" \t\r\n", message[i - 1])) continue;
    luaL_addchar(&line, blank ? ' ' : message[i]);
  }
  luaL_pushresult(&line);
  const char *password = PQpass(db->connection);
  if (password && *password) {
    luaL_gsub(L, lua_tostring(L, -1), password, "<secret>");
    lua_remove(L, -2);
  }
}

/* nil, message, SQLSTATE. "08006" (connection_failure) where the connection is gone, whatever ended it. */
static int refuse(lua_State *L, database *db) {
  const char *primary = PQresultErrorField(db->result, PG_DIAG_MESSAGE_PRIMARY);
  const char *state = PQresultErrorField(db->result, PG_DIAG_SQLSTATE);
  lua_pushnil(L);
  push_message(L, db, primary ? primary : PQerrorMessage(db->connection));
  if (PQstatus(db->connection) == CONNECTION_BAD) state = "08006";
  lua_pushstring(L, state ? state : "XX000");
  drop_result(db);
  return 3;
}

static int aborted(lua_State *L) { return lp_refuse(L, "a statement of this transaction has failed", "25P02"); }

static bool is_good(const database *db) {
  ExecStatusType status = PQresultStatus(db->result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* ---- statements ---- */

static bool run(database *db, const char *sql) {
  drop_result(db);
  db->result = PQexec(db->connection, sql);
  return is_good(db);
}

/* Prepared once and kept: its number, or 0 where the server refuses it. */
static int statement_of(lua_State *L, database *db, int text) {
  int number = lp_known_find(L, db->known, text);
  if (number) return number;
  size_t len;
  const char *sql = luaL_checklstring(L, text, &len);
  if (strlen(sql) != len) luaL_argerror(L, text, "no SQL statement");
  if (db->count == LP_STATEMENTS) {
    if (!run(db, "DEALLOCATE ALL")) return 0;
    db->count = 0;
    lp_known_free(L, db->known);
    db->known = LUA_NOREF;
    db->known = lp_known_new(L);
  }
  char name[NAME];
  snprintf(name, sizeof name, "s%d", db->count + 1);
  drop_result(db);
  db->result = PQprepare(db->connection, name, sql, 0, NULL);
  if (!is_good(db)) return 0;
  lp_known_add(L, db->known, text, ++db->count);
  return db->count;
}

typedef struct {
  const char *values[LP_PARAMS];
  int lengths[LP_PARAMS], formats[LP_PARAMS];
  char digits[LP_PARAMS][DIGITS];
} parameters;

/* False for a text that PostgreSQL cannot hold. */
static bool write_parameters(const database *db, const lp_param *params, int count, parameters *out) {
  for (int i = 0; i < count; i++) {
    const lp_param *param = &params[i];
    out->values[i] = out->digits[i];
    out->lengths[i] = out->formats[i] = 0;
    switch (param->type) {
    case LP_INTEGER:
      snprintf(out->digits[i], DIGITS, "%lld", (long long)param->integer);
      break;
    case LP_NUMBER: {
      locale_t own = uselocale(db->plain);
      snprintf(out->digits[i], DIGITS, "%.17g", param->number);
      uselocale(own);
      break;
    }
    case LP_TEXT:
      if (strlen(param->text) != param->len) return false;
      out->values[i] = param->text;
      break;
    case LP_BLOB:
      out->values[i] = param->text;
      out->lengths[i] = (int)param->len;
      out->formats[i] = 1;
      break;
    default:
      out->values[i] = NULL;
    }
  }
  return true;
}

typedef struct {
  database *db;
  int row;
} position;

static void push_bytes(lua_State *L, const char *text) {
  static const char hex[] = "0123456789abcdef";
  luaL_Buffer bytes;
  luaL_buffinit(L, &bytes);
  for (text += 2; text[0] && text[1]; text += 2) { /* bytea_output is hex: \x… */
    const char *high = strchr(hex, text[0]), *low = strchr(hex, text[1]);
    luaL_addchar(&bytes, (char)((high ? high - hex : 0) << 4 | (low ? low - hex : 0)));
  }
  luaL_pushresult(&bytes);
}

static void push_column(lua_State *L, void *result, int column) {
  enum { BYTEA = 17, INT8 = 20, INT2 = 21, INT4 = 23, FLOAT4 = 700, FLOAT8 = 701 }; /* pg_type.dat */
  const position *at = result;
  const PGresult *rows = at->db->result;
  if (PQgetisnull(rows, at->row, column)) {
    lua_pushnil(L);
    return;
  }
  const char *text = PQgetvalue(rows, at->row, column);
  switch (PQftype(rows, column)) {
  case INT2:
  case INT4:
  case INT8:
    lp_push_integer(L, strtoll(text, NULL, 10));
    break;
  case FLOAT4:
  case FLOAT8:
    lua_pushnumber(L, strtod_l(text, NULL, at->db->plain));
    break;
  case BYTEA:
    push_bytes(L, text);
    break;
  default:
    lua_pushlstring(L, text, (size_t)PQgetlength(rows, at->row, column));
  }
}

static int push_rows(lua_State *L, database *db) {
  int columns = PQnfields(db->result), rows = PQntuples(db->result);
  if (columns > LP_COLUMNS) return luaL_error(L, "more than %d columns", (int)LP_COLUMNS);
  luaL_checkstack(L, columns + 8, "columns");
  int names = lua_gettop(L) + 1;
  for (int i = 0; i < columns; i++) lua_pushstring(L, PQfname(db->result, i));
  lua_createtable(L, rows, 0);
  position at = {db, 0};
  for (; at.row < rows; at.row++) {
    lp_push_row(L, names, columns, push_column, &at);
    lua_rawseti(L, -2, at.row + 1);
  }
  /* Empty for what changes nothing; for a SELECT it is what it found. */
  const char *changed = strncmp(PQcmdStatus(db->result), "SELECT", 6) ? PQcmdTuples(db->result) : "";
  lua_pushinteger(L, (lua_Integer)strtol(changed, NULL, 10));
  drop_result(db);
  return 2;
}

/* db:query(sql, …) -> rows ({ column = value } each; NULL is nil), number of rows changed; or nil, message, SQLSTATE
 * The parameters are $1, $2 …, one argument each. */
static int query(lua_State *L) {
  database *db = database_of(L);
  luaL_checkstring(L, 2);
  lp_param params[LP_PARAMS];
  int count = lp_read_params(L, 3, params);
  if (db->failed) return aborted(L);
  parameters *out = lua_newuserdata(L, sizeof *out);
  if (!write_parameters(db, params, count, out)) {
    db->failed = db->within;
    return lp_refuse(L, "PostgreSQL has no text with a NUL in it", "22021");
  }
  int number = statement_of(L, db, 2);
  if (!number) return refuse(L, db);
  char name[NAME];
  snprintf(name, sizeof name, "s%d", number);
  drop_result(db);
  db->result = PQexecPrepared(db->connection, name, count, out->values, out->lengths, out->formats, 0);
  return is_good(db) ? push_rows(L, db) : refuse(L, db);
}

/* ---- transactions ---- */

/* db:begin("write" or "read") -> true; or nil, message, SQLSTATE. One that reads sees one moment throughout. */
static int begin(lua_State *L) {
  static const char *const ways[] = {"write", "read", NULL};
  database *db = database_of(L);
  bool write = luaL_checkoption(L, 2, "write", ways) == 0;
  if (db->within) return luaL_error(L, "a transaction within a transaction");
  if (!run(db, write ? "BEGIN ISOLATION LEVEL READ COMMITTED" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    return refuse(L, db);
  drop_result(db);
  db->within = true;
  lua_pushboolean(L, 1);
  return 1;
}

/* db:commit() -> true; or nil, message, SQLSTATE, and nothing of the transaction is there ("08006": perhaps all of it) */
static int commit(lua_State *L) {
  database *db = database_of(L);
  if (!db->within) return luaL_error(L, "no transaction to commit");
  const char *end = db->failed ? "ROLLBACK" : "COMMIT";
  db->within = db->failed = false;
  if (!run(db, end)) return refuse(L, db);
  /* After a statement that failed PostgreSQL rolls back, and calls that a success. */
  bool committed = !strcmp(PQcmdStatus(db->result), "COMMIT");
  drop_result(db);
  if (!committed) return aborted(L);
  lua_pushboolean(L, 1);
  return 1;
}

/* db:rollback() -> true, whether there is a transaction or not */
static int rollback(lua_State *L) {
  database *db = database_of(L);
  if (db->within) run(db, "ROLLBACK");
  db->within = db->failed = false;
  drop_result(db);
  lua_pushboolean(L, 1);
  return 1;
}

/* ---- a userdata's life: made closed, filled afterwards ---- */

static void quiet(void *nobody, const char *notice) {
  (void)nobody;
  (void)notice;
}

static int close_database(lua_State *L) {
  database *db = luaL_checkudata(L, 1, DATABASE);
  drop_result(db);
  PQfinish(db->connection);
  db->connection = NULL;
  if (db->plain) freelocale(db->plain);
  db->plain = (locale_t)0;
  lp_known_free(L, db->known);
  db->known = LUA_NOREF;
  return 0;
}

static int describe(lua_State *L) {
  const database *db = luaL_checkudata(L, 1, DATABASE);
  lua_pushstring(L, db->connection ? DATABASE ": connected" : DATABASE ": closed");
  return 1;
}

/* open(url) -> database, or nil, message, SQLSTATE. What the URL leaves out is as for libpq; its words go before ours. */
static int make(lua_State *L) {
  size_t len;
  const char *url = luaL_checklstring(L, 1, &len);
  const char *fault = strlen(url) == len ? lp_url_fault(url) : "the URL has a NUL in it";
  if (fault) return lp_refuse(L, fault, "22023");
  database *db = lua_newuserdata(L, sizeof *db);
  memset(db, 0, sizeof *db);
  db->known = LUA_NOREF;
  luaL_getmetatable(L, DATABASE);
  lua_setmetatable(L, -2);
  db->known = lp_known_new(L);
  db->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!db->plain) return luaL_error(L, "not enough memory");
  /* A server that is gone without a word is found to be gone. */
  static const char *const words[] = {"connect_timeout", "tcp_user_timeout", "keepalives_idle", "keepalives_interval",
                                      "keepalives_count", "fallback_application_name", "dbname", "client_encoding", NULL};
  const char *const values[] = {"10", "30000", "10", "5", "3", "luaprov", url, "UTF8", NULL};
  db->connection = PQconnectdbParams(words, values, 1);
  if (!db->connection) return luaL_error(L, "not enough memory");
  PQsetNoticeProcessor(db->connection, quiet, NULL);
  if (PQstatus(db->connection) == CONNECTION_OK && run(db, "SET bytea_output TO hex")) {
    drop_result(db);
    return 1;
  }
  lua_pushnil(L);
  push_message(L, db, PQerrorMessage(db->connection));
  lua_pushliteral(L, "08001");
  lua_pushcfunction(L, close_database);
  lua_pushvalue(L, -5);
  lua_call(L, 1, 0);
  return 3;
}

__attribute__((visibility("default"))) int luaopen_luaprov_postgres(lua_State *L);

int luaopen_luaprov_postgres(lua_State *L) {
  static const lp_entry methods[] = {{"query", query},       {"begin", begin},          {"commit", commit},
                                     {"rollback", rollback}, {"close", close_database}, {NULL, NULL}};
  static const lp_entry meta[] = {
      {"__gc", close_database}, {"__close", close_database}, {"__tostring", describe}, {NULL, NULL}};
  static const lp_entry functions[] = {{"open", make}, {NULL, NULL}};
  lp_set_kind(L, DATABASE, methods, meta);
  lua_newtable(L);
  lp_set_functions(L, functions);
  return 1;
}
