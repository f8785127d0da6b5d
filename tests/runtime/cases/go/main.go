// Calls RoomService.CreateRoom with Twirp's own Go client, once for each URL on standard input, and prints what came of
// it as one line of JSON.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/twitchtv/twirp"
	"google.golang.org/protobuf/proto"
)

type outcome struct {
	Answer *string           `json:"answer,omitempty"`
	Code   string            `json:"code,omitempty"`
	Msg    string            `json:"msg,omitempty"`
	Meta   map[string]string `json:"meta,omitempty"`
}

func call(url string) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client := livekit.NewRoomServiceProtobufClient(url, &http.Client{Transport: &http.Transport{}})
	room, err := client.CreateRoom(ctx, &livekit.CreateRoomRequest{Name: "standup"})
	if err != nil {
		failed := err.(twirp.Error)
		return outcome{Code: string(failed.Code()), Msg: failed.Msg(), Meta: failed.MetaMap()}
	}
	data, err := proto.Marshal(room)
	if err != nil {
		panic(err)
	}
	text := hex.EncodeToString(data)
	return outcome{Answer: &text}
}

func main() {
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if err := out.Encode(call(lines.Text())); err != nil {
			panic(err)
		}
	}
}
