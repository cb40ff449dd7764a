// The whole loop against a running service: go run ./loop <url>
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"time"

	"forerun.example/forerun"
)

const project = "loop-go"

func main() {
	configuration := forerun.NewConfiguration()
	configuration.Servers = forerun.ServerConfigurations{{URL: os.Args[1]}}
	client := forerun.NewAPIClient(configuration)
	ctx := context.Background()

	created := postHistory(ctx, client)
	state := refit(ctx, client)
	question := questionFor("new")
	answer := must(client.RecommendAPI.Recommend(ctx).RecommendRequest(question).Execute())

	// Train the winner, post it, and see it counted.
	best := answer.Configurations[0]
	rate, depth := best.Configuration["learning_rate"].(float64), best.Configuration["max_depth"].(float64)
	run := runOf("new", "winner", best.Configuration, accuracyOf(rate, depth, 0.15))
	run.SetRecommendationId(answer.GetRecommendationId())
	receipt := must(client.RunsAPI.PostRun(ctx).Run(*run).Execute())
	record := must(client.RecommendAPI.GetRecommendation(ctx, answer.GetRecommendationId()).Execute())
	followed := []string{}
	for _, each := range record.Runs {
		followed = append(followed, each.RunId)
	}
	sharper := must(client.RecommendAPI.Recommend(ctx).RecommendRequest(question).Execute())

	told, _ := json.Marshal(map[string]any{
		"created": created, "refit": state, "basis": answer.Basis, "posted": receipt.Status, "followed": followed,
		"then": sharper.Basis, "n_own_runs": sharper.NOwnRuns, "refused": refusal(ctx, client),
	})
	fmt.Println(string(told))
}

// postHistory describes datasets and posts what was trained on them.
func postHistory(ctx context.Context, client *forerun.APIClient) int64 {
	runs := []forerun.Run{}
	for dataset := range 4 {
		name := fmt.Sprintf("old-%d", dataset)
		description := forerun.NewDatasetDescription()
		description.SetMetaFeatures(map[string]float64{"n_rows": float64(1000 * (dataset + 1)), "n_features": 10})
		must(client.DatasetsAPI.PutDataset(ctx, name).Project(project).DatasetDescription(*description).Execute())
		for i := range 12 {
			rate, depth := math.Pow(10, -3+3*float64(i)/11), float64(1+(5*i)%12)
			inputs := map[string]any{"learning_rate": rate, "max_depth": depth}
			id := fmt.Sprintf("%s-%d", name, i)
			runs = append(runs, *runOf(name, id, inputs, accuracyOf(rate, depth, float64(dataset)/10)))
		}
	}
	return must(client.RunsAPI.PostRuns(ctx).RunBatch(*forerun.NewRunBatch(runs)).Execute()).Created
}

func refit(ctx context.Context, client *forerun.APIClient) string {
	request := forerun.NewRefitRequest()
	request.SetProject(project)
	found := must(client.RefitsAPI.RequestRefit(ctx).RefitRequest(*request).Execute())
	for found.State == "queued" || found.State == "running" {
		time.Sleep(200 * time.Millisecond)
		found = must(client.RefitsAPI.GetRefit(ctx, found.Id).Execute())
	}
	return found.State
}

func questionFor(dataset string) forerun.RecommendRequest {
	reference := forerun.NewDatasetReference(dataset)
	reference.SetMetaFeatures(map[string]float64{"n_rows": 2500, "n_features": 10})
	rate := forerun.NewFloatParameter("float", 0.001, 1)
	rate.SetLog(true)
	parameters := map[string]forerun.ParameterEntry{
		"learning_rate": {ParameterSpec: &forerun.ParameterSpec{FloatParameter: rate}},
		"max_depth":     {ParameterSpec: &forerun.ParameterSpec{IntParameter: forerun.NewIntParameter("int", 1, 12)}},
	}
	space := forerun.NewParameterSpace(
		forerun.ParameterSpaceParameters{MapmapOfStringParameterEntry: &parameters})
	question := forerun.NewRecommendRequest(
		forerun.RecommendRequestDataset{DatasetReference: reference}, forerun.SearchSpace{ParameterSpace: space})
	question.SetProject(project)
	question.SetObjectives([]forerun.Objective{*forerun.NewObjective("accuracy", "maximize")})
	question.SetTopK(3)
	return *question
}

func runOf(dataset, id string, inputs map[string]any, accuracy float64) *forerun.Run {
	run := forerun.NewRun(forerun.RecommendRequestDataset{String: &dataset}, "completed")
	run.SetProject(project)
	run.SetRunId(id)
	run.SetHyperparameters(inputs)
	run.SetMetrics(map[string]float64{"accuracy": accuracy})
	return run
}

func accuracyOf(rate, depth, shift float64) float64 {
	return 0.9 - 0.05*math.Pow(math.Log10(rate)+1.5+shift, 2) - 0.002*math.Pow(depth-6, 2)
}

// refusal makes a mistake, and gives the code it is told with.
func refusal(ctx context.Context, client *forerun.APIClient) string {
	run := runOf("new", "nothing measured", map[string]any{}, 0)
	run.Metrics = nil
	_, _, err := client.RunsAPI.PostRun(ctx).Run(*run).Execute()
	var problem *forerun.GenericOpenAPIError
	if !errors.As(err, &problem) {
		log.Fatal("a completed run without a metric was taken")
	}
	model, _ := problem.Model().(forerun.Problem)
	return model.Code
}

// must gives the data of an answer, or ends the program with what the service said.
func must[T any](data T, _ any, err error) T {
	var problem *forerun.GenericOpenAPIError
	if errors.As(err, &problem) {
		log.Fatalf("%v: %s", err, problem.Body())
	}
	if err != nil {
		log.Fatal(err)
	}
	return data
}
