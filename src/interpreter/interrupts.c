#include "interpreter/interrupts.h"

#include <lauxlib.h>
#include <signal.h>
#include <stddef.h>

static lua_State *main_thread;
static lua_State *volatile target; /* whom the signal handler may stop; NULL: somebody asks */
static volatile int patience;      /* the instructions until then */
static volatile sig_atomic_t came; /* and was not raised where it ends the script */
static bool unsettled;             /* was raised, and the loop does not know */
static int raised;
static char before_end_key;

static void on_signal(int, void (*)(int));

static void end_process(void) {
  on_signal(SIGINT, SIG_DFL);
  raise(SIGINT);
}

/* The next Ctrl-C is heard again. */
static void heard(void (*handler)(int)) {
  came = 0;
  if (++raised > 1) end_process();
  on_signal(SIGINT, handler);
}

static void interrupt(int);

static void raise_interrupted(lua_State *L, lua_Debug *debug) {
  (void)debug;
  if (!came) { /* a hook that was not met in time, or that a coroutine has from the one that made it */
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  if (patience == 1) {
    lua_sethook(L, NULL, 0, 0);
    if (raised && lua_rawgetp(L, LUA_REGISTRYINDEX, &before_end_key) == LUA_TFUNCTION) lua_pcall(L, 0, 0, 0);
    heard(interrupt);
    unsettled = true;
  }
  luaL_error(L, "interrupted!");
}

/* lua_sethook is the one function of Lua that a signal handler may call. */
static void arm(void) {
  int mask = patience == 1 ? LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT : LUA_MASKCOUNT;
  lua_sethook(target, raise_interrupted, mask, patience);
}

static void interrupt(int number) {
  on_signal(number, SIG_DFL);
  came = 1;
  if (target) arm();
}

/* Without SA_RESTART: a system call that waits has to come back, or the hook would not run before it ends. */
static void on_signal(int number, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

void lp_interrupts_begin(lua_State *L) {
  main_thread = L;
  came = 0;
  unsettled = false;
  raised = 0;
  patience = 1;
  target = L;
  on_signal(SIGINT, interrupt);
}

void lp_interrupts_end(void) {
  on_signal(SIGINT, SIG_DFL);
  target = NULL;
  if (came) lua_sethook(main_thread, NULL, 0, 0);
}

bool lp_interrupted(void) { return raised > 0; }

/* ---- what the loop calls ---- */

static int aim(lua_State *L) {
  lua_State *next = lua_isthread(L, 1) ? lua_tothread(L, 1) : lua_toboolean(L, 1) ? main_thread : NULL;
  target = NULL; /* a signal that comes now only says so */
  if (next) patience = (int)lua_tointeger(L, 2);
  target = next;
  if (came && next && lua_gethook(next) != raise_interrupted) arm(); /* else it goes on to count */
  return 0;
}

static int has_come(lua_State *L) {
  lua_pushboolean(L, came || unsettled);
  return 1;
}

static int was_raised(lua_State *L) {
  lua_pushboolean(L, lp_interrupted());
  return 1;
}

static int take(lua_State *L) {
  bool pending = came;
  unsettled = false;
  if (pending) heard(interrupt);
  lua_pushboolean(L, pending);
  return 1;
}

static int before_end(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &before_end_key);
  return 0;
}

void lp_interrupts_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"aim", aim}, {"came", has_come}, {"raised", was_raised}, {"take", take}, {"before_end", before_end}, {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_setfield(L, LUA_REGISTRYINDEX, "luaprov.interpreter");
}
