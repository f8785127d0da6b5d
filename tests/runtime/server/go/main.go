// Calls a server with the clients that Twirp's Go module generates, for protobuf and for JSON, and prints what came of
// each call as one line of JSON. The base URL is the only argument.
package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/twitchtv/twirp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

type outcome struct {
	Call    string            `json:"call"`
	Message json.RawMessage   `json:"message,omitempty"`
	Code    string            `json:"code,omitempty"`
	Msg     string            `json:"msg,omitempty"`
	Meta    map[string]string `json:"meta,omitempty"`
}

func result(call string, message proto.Message, err error) outcome {
	if err != nil {
		failed := err.(twirp.Error)
		return outcome{Call: call, Code: string(failed.Code()), Msg: failed.Msg(), Meta: failed.MetaMap()}
	}
	data, err := protojson.Marshal(message)
	if err != nil {
		panic(err)
	}
	return outcome{Call: call, Message: data}
}

func main() {
	out := json.NewEncoder(os.Stdout)
	url, transport := os.Args[1], &http.Client{Transport: &http.Transport{}}
	clients := map[string]livekit.RoomService{
		"protobuf": livekit.NewRoomServiceProtobufClient(url, transport),
		"json":     livekit.NewRoomServiceJSONClient(url, transport),
	}
	for _, kind := range []string{"protobuf", "json"} {
		client := clients[kind]
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		for _, name := range []string{"hall", "", "missing", "busy", "crash", "upstream", "wrong"} {
			request := &livekit.CreateRoomRequest{Name: name, EmptyTimeout: 60, Metadata: "ü ☎"}
			room, err := client.CreateRoom(ctx, request)
			out.Encode(result(kind+" CreateRoom "+name, room, err))
		}
		deleted, err := client.DeleteRoom(ctx, &livekit.DeleteRoomRequest{Room: "hall"})
		out.Encode(result(kind+" DeleteRoom", deleted, err))
		listed, err := client.ListRooms(ctx, &livekit.ListRoomsRequest{Names: []string{"a", "b"}})
		out.Encode(result(kind+" ListRooms", listed, err))
		muted, err := client.MutePublishedTrack(ctx, &livekit.MuteRoomTrackRequest{Room: "hall", Muted: true})
		out.Encode(result(kind+" MutePublishedTrack", muted, err))
	}
}
