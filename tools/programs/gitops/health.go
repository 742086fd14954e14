package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	lua "github.com/yuin/gopher-lua"
)

// tellHealth runs a health script as Argo CD does: in gopher-lua, with the object as `obj`, for a table with a status
// and a message.
func tellHealth(path string, text []byte, out io.Writer) error {
	script, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var object any
	if err := json.Unmarshal(text, &object); err != nil {
		return err
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, open := range []lua.LGFunction{lua.OpenBase, lua.OpenTable, lua.OpenString} {
		state.Push(state.NewFunction(open))
		state.Call(0, 0)
	}
	state.SetGlobal("obj", value(state, object))
	if err := state.DoString(string(script)); err != nil {
		return err
	}
	verdict, isTable := state.Get(-1).(*lua.LTable)
	if !isTable {
		return fmt.Errorf("%s returns no table", path)
	}
	_, err = fmt.Fprintf(out, "%s: %s\n", verdict.RawGetString("status"), verdict.RawGetString("message"))
	return err
}

func value(state *lua.LState, from any) lua.LValue {
	switch typed := from.(type) {
	case string:
		return lua.LString(typed)
	case float64:
		return lua.LNumber(typed)
	case bool:
		return lua.LBool(typed)
	case []any:
		table := state.NewTable()
		for _, item := range typed {
			table.Append(value(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range typed {
			table.RawSetString(key, value(state, item))
		}
		return table
	}
	return lua.LNil
}
