// Who is writing: what the chat page makes of it.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Typing } from "../static/ui/typing.js";

const direct = { id: "c1", kind: "direct" };

beforeEach(() => mock.timers.reset());

function typing() {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const told = [];
  let changes = 0;
  const it = new Typing((conversation, on) => told.push([conversation, on]), () => changes++);
  return { it, told, changes: () => changes };
}

test("somebody is writing until a notice, a message or silence ends it", () => {
  const { it, changes } = typing();
  it.heard("c1", "bob", true);
  assert.deepEqual([it.in("c1"), it.in("c2")], [true, false]);
  mock.timers.tick(5_000);
  it.heard("c1", "bob", true);
  mock.timers.tick(5_000);
  assert.ok(it.in("c1"));
  mock.timers.tick(1_000);
  assert.ok(!it.in("c1"));
  it.heard("c1", "bob", true);
  it.heard("c1", "carol", true);
  it.heard("c1", "bob", false);
  assert.ok(it.in("c1"));
  it.heard("c1", "carol", false);
  assert.ok(!it.in("c1"));
  const before = changes();
  it.heard("c1", "carol", false);
  assert.equal(changes(), before);
});

test("the other person is told now and then, and once that it is over", () => {
  const { it, told } = typing();
  for (let i = 0; i < 7; i++) {
    it.writes(direct, true);
    mock.timers.tick(1_000);
  }
  assert.deepEqual(told, [["c1", true], ["c1", true], ["c1", true]]);
  it.writes(direct, false);
  it.writes(direct, false);
  assert.deepEqual(told.slice(3), [["c1", false]]);
  it.writes(direct, true);
  it.sent(); // the message itself says that it is over
  it.writes(direct, false);
  assert.deepEqual(told.slice(4), [["c1", true]]);
});

test("a room is not told", () => {
  const { it, told } = typing();
  it.writes({ id: "lobby", kind: "room" }, true);
  assert.deepEqual(told, []);
});
